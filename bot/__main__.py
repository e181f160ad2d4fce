"""`python -m bot`: runs the bot, or checks its set-up."""

import argparse
import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

import structlog

from bot.settings import Settings, load, place_of
from processes import logs
from processes.settings import WRONG_SETTING, SettingsError

ATTEMPTS_A_WAIT = 50

log = structlog.get_logger()

EPILOG = """\
settings (environment or .env):
  BOT_TOKEN    the bot's token, from @BotFather (required)
  REDIS_URL    the queue; without it, the one the bridge starts in DATA_DIR
  QUEUE_PREFIX what its keys begin with, as the bridge has it (default: starling)
  DATA_DIR     the folder shared with the bridge (default: data)
  BOT_NAME     stable name of this bot process (default: bot-1)
  BOT_API_URL  a Bot API server on this machine instead of Telegram
  LOG_LEVEL    DEBUG, INFO, WARNING or ERROR (default: INFO)

exit codes: 0 all is well, 1 something failed (check: a ✗ line says what), 2 a setting is missing or wrong
"""


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bot",
        description="Starling's bot: talks to people, and asks the bridge to act.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "command", nargs="?", choices=("run", "check"), default="run", help="run the bot (default), or check the set-up"
    )
    command = parser.parse_args(arguments).command
    try:
        settings = load()
        settings.queue_url()
    except SettingsError as error:
        _say(str(error))
        return WRONG_SETTING
    logs.set_up(settings.log_level)
    try:
        return _run_loop(check(settings) if command == "check" else run(settings))
    except KeyboardInterrupt:
        return 0


async def run(settings: Settings) -> int:
    """Run the bot until it is told to stop."""
    # aiogram takes a second and 100 MB to import: --help and a missing setting need not wait for it.
    from bot.app import TokenRefusedError, compose  # noqa: PLC0415
    from bot.check import REFUSED  # noqa: PLC0415

    if settings.bot_api_url:
        log.warning("telegram.replaced", by=settings.bot_api_url, note="this is NOT Telegram")
    app = compose(
        token=settings.bot_token.get_secret_value(),
        queue_url=settings.queue_url(),
        prefix=settings.queue_prefix,
        name=settings.bot_name,
        bot_api_url=settings.bot_api_url,
    )
    if not await app.bridge.reachable():
        log.warning("queue.waiting", place=place_of(settings.queue_url()), hint="python -m mtproto_bridge run")
        while not await app.bridge.reachable(attempts=ATTEMPTS_A_WAIT):
            pass
        log.info("queue.there")
    try:
        await app.run()
    except TokenRefusedError:
        _say(REFUSED)
        return WRONG_SETTING
    return 0


async def check(settings: Settings) -> int:
    """Say what is right and what is not."""
    from bot.check import findings  # noqa: PLC0415 - as above

    good = True
    async for finding in findings(settings):
        print(finding)  # noqa: T201 - this is the command's output
        good = good and finding.good is not False
    return 0 if good else 1


def _run_loop(work: Coroutine[Any, Any, int]) -> int:
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop  # noqa: PLC0415 - not there on Windows

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201 - logging may not be set up yet


if __name__ == "__main__":
    sys.exit(main())
