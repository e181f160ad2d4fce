"""How every process of ours logs: structlog over the standard library, with secrets left out."""

import logging
import re
import sys
from typing import Any

import structlog

# Bot tokens, referral tokens and phone numbers: a person's link or number is nobody's business in a log.
# Nothing is asked of what stands before a token: in the Bot API's URLs that is the word "bot".
_PRIVATE = re.compile(r"\d+:[A-Za-z0-9_-]{30,}|(?<=_tgr_)[A-Za-z0-9_-]+|(?<=[?&]ref=)[A-Za-z0-9_-]+|\+\d{8,15}")


def redact(text: str) -> str:
    """The text without tokens, referral tokens and phone numbers."""
    return _PRIVATE.sub("…", text)


def _redact_line(_: object, __: str, line: Any) -> Any:  # noqa: ANN401 - what the renderer made
    """The last step, on the whole line: a secret may be deep in a value or in an exception's text."""
    return redact(line)


def set_up(level: str = "INFO", *, json: bool | None = None) -> None:
    """Log to standard error: readable lines on a terminal, JSON elsewhere (or as told)."""
    as_json = not sys.stderr.isatty() if json is None else json
    # The plain traceback: a richer one prints local variables, secrets among them.
    renderer: structlog.typing.Processor = structlog.dev.ConsoleRenderer(
        exception_formatter=structlog.dev.plain_traceback
    )
    if as_json:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    last: list[structlog.typing.Processor] = [structlog.processors.format_exc_info, renderer, _redact_line]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("telethon", "aiogram.event", "aiohttp.access", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
