"""Failures: each code, and the sentences that need facts which may be missing."""

from datetime import timedelta
from typing import Any

from bot.callbacks import OpenProgram
from bot.i18n import Texts
from bot.screens import Screen, errors
from mtproto_bridge.protocol import ErrorCode, Failure
from mtproto_bridge.protocol.ids import BotId
from tests.screens.examples import Example
from tests.unit.bot_samples import END, NOW

AGAIN = OpenProgram(bot_id=BotId(8000002))
FACTS: dict[ErrorCode, dict[str, Any]] = {
    ErrorCode.RIGHTS_MISSING: {"balance_title": "Garden"},
    ErrorCode.BALANCE_UNREACHABLE: {"balance_title": "Garden"},
    ErrorCode.NO_SUCH_BOT: {"username": "quiz_bot"},
    ErrorCode.PROGRAM_UNAVAILABLE: {"username": "quiz_bot"},
    ErrorCode.PROGRAM_CLOSING: {"end_date": END},
    ErrorCode.FLOOD_WAIT: {"retry_at": NOW + timedelta(minutes=3)},
    ErrorCode.SLOW_DOWN: {"retry_at": NOW + timedelta(seconds=21)},
    ErrorCode.TOO_MANY_CHANNELS: {"limit": 5},
    ErrorCode.CONNECT_NOT_ALLOWED: {"balance_title": "Garden"},
    ErrorCode.TELEGRAM: {"telegram_code": 400, "telegram_message": "STARREF_NEW"},
}


def _failed(code: ErrorCode, **facts: Any) -> Example:
    def shown(texts: Texts) -> Screen:
        return errors.failure_screen(texts, Failure(code=code, **facts), now=NOW, again=AGAIN, trace="4f0c1d")

    return shown


EXAMPLES: dict[str, Example] = {
    **{code.value: _failed(code, **FACTS.get(code, {})) for code in ErrorCode},
    **{f"{code.value}, without facts": _failed(code) for code in FACTS},
}
