"""Logs say what happened and to whom it did not: no token, no link, no phone number."""

import json
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from processes import logs

TOKEN = "7000001:AAStarlingSandboxTokenThatOpensNothing1"
LINK_TOKEN = "ZiLm-0_aQw9kR2"
PHONE = "+9996621002"
SECRETS = (TOKEN, LINK_TOKEN, PHONE)
TEXTS = [
    f"token {TOKEN} is wrong",
    f"https://api.telegram.org/bot{TOKEN}/sendMessage answered 401",
    f"/bot{TOKEN}/getUpdates",
    f"https://t.me/quiz_bot?start=_tgr_{LINK_TOKEN}",
    f"tg://resolve?domain=quiz_bot&start=_tgr_{LINK_TOKEN}&x=1",
    f"start=_tgr_{LINK_TOKEN}",
    f"https://t.me/quiz_bot?ref={LINK_TOKEN}",
    f"https://t.me/quiz_bot?a=b&ref={LINK_TOKEN}",
    f"signing {PHONE} in",
    f"({PHONE})",
]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging is the whole process's: put it back."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    chatty = {
        name: logging.getLogger(name).level for name in ("telethon", "aiogram.event", "aiohttp.access", "alembic")
    }
    yield
    root.handlers, root.level = handlers, level
    for name, before in chatty.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_links_and_phone_numbers_are_left_out(text: str) -> None:
    left = logs.redact(text)
    assert "…" in left
    assert not any(secret in left for secret in SECRETS)


@pytest.mark.parametrize(
    "text", ["", "lane.taken", "2026-11-01T12:00:00.123456+00:00", "bridge-1:42:0a1b2c3d", "+3 %", "127.0.0.1:4430"]
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert logs.redact(text) == text


@given(st.text(), st.sampled_from(SECRETS[:1] + SECRETS[2:]), st.text())
def test_no_neighbour_hides_a_secret(before: str, secret: str, after: str) -> None:
    before = before.rstrip("0123456789+")  # a longer number is another number
    assert secret not in logs.redact(f"{before}{secret} {after}")


def fail() -> None:
    raise ValueError(f"POST https://api.telegram.org/bot{TOKEN}/sendMessage: {PHONE}, _tgr_{LINK_TOKEN}")


def as_event() -> None:
    structlog.get_logger().warning("met", url=TEXTS[1], link=TEXTS[3], phone=PHONE)


def in_the_events_name() -> None:
    structlog.get_logger().warning(" ".join(TEXTS))


def deep_in_a_value() -> None:
    structlog.get_logger().warning("met", seen={"all": TEXTS, "error": ValueError(TEXTS[1])})


def as_exception() -> None:
    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("failed")


def as_exception_of_a_library() -> None:
    try:
        fail()
    except ValueError:
        logging.getLogger("some.library").exception("failed at %s", TEXTS[1])


def as_exception_in_a_value() -> None:
    try:
        fail()
    except ValueError as error:
        structlog.get_logger().warning("failed", error=error)


def as_bound_value() -> None:
    structlog.get_logger().bind(link=TEXTS[3]).warning("met")


def as_stack() -> None:
    structlog.get_logger().warning("met " + TEXTS[4], stack_info=True)


@pytest.mark.parametrize("json_lines", [True, False])
@pytest.mark.parametrize(
    "happens",
    [
        as_event,
        in_the_events_name,
        deep_in_a_value,
        as_exception,
        as_exception_of_a_library,
        as_exception_in_a_value,
        as_bound_value,
        as_stack,
    ],
)
def test_no_secret_reaches_the_log_however_it_was_logged(
    capsys: pytest.CaptureFixture[str], happens: Callable[[], None], json_lines: bool
) -> None:
    logs.set_up("DEBUG", json=json_lines)
    happens()
    written = capsys.readouterr().err
    assert "…" in written
    assert not any(secret in written for secret in SECRETS), written


def test_elsewhere_than_on_a_terminal_each_event_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert not sys.stderr.isatty()
    logs.set_up()
    structlog.get_logger().info("lane.taken", account=5, name="Сад")
    as_exception()
    logging.getLogger("some.library").warning("met %s", "it")
    first, second, third = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["account"], first["name"], first["level"]) == ("lane.taken", 5, "Сад", "info")
    assert first["timestamp"].endswith("Z")
    assert "Traceback" in second["exception"]
    assert (third["event"], third["level"]) == ("met it", "warning")


def test_the_level_holds_for_ours_and_for_libraries_and_chatty_ones_say_less(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.set_up("INFO", json=True)
    structlog.get_logger().debug("ours")
    structlog.get_logger().info("ours")
    for name in ("some.library", "telethon.network", "aiohttp.access"):
        logging.getLogger(name).debug(name)
        logging.getLogger(name).info(name)
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["ours", "some.library"]
