"""What Telethon raises, as what the gateway promises."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from telethon import errors
from telethon.errors.rpcerrorlist import rpc_errors_dict, rpc_errors_re
from telethon.tl import functions

from mtproto_bridge.telegram.gateway import AccountLost, FloodWait, NotReached, Refused
from mtproto_bridge.telegram.leased import LeaseOver

# Telethon's classes for known errors no longer carry Telegram's own words; its table has them.
_WORDS = {known: words for words, known in rpc_errors_dict.items()}
_NUMBERED: dict[type[Exception], str] = {known: pattern.replace(r"(\d+)", "{}") for pattern, known in rpc_errors_re}

_VOID_SESSION = (errors.UnauthorizedError, errors.AuthKeyDuplicatedError, errors.AuthKeyNotFound)
_BROKEN_LINE = (
    errors.ServerError,
    errors.TimedOutError,
    errors.InvalidChecksumError,
    BufferError,  # Telethon's InvalidBufferError: a code of the transport's, or nonsense
    EOFError,  # asyncio's IncompleteReadError: Telegram hung up
    OSError,
    TimeoutError,
    LeaseOver,
)


@contextmanager
def translated() -> Iterator[None]:
    """Around a use of Telethon: raise the gateway's exceptions."""
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        raise NotReached("disconnected") from error  # Telethon cancels what has no answer when it disconnects
    except Exception as error:
        known = translate(error)
        if known is error:
            raise
        raise known from error


def translate(error: Exception) -> Exception:
    """The gateway's exception for one of Telethon's; any other comes back as it is."""
    if isinstance(error, errors.FloodError) and hasattr(error, "seconds"):  # FLOOD_PREMIUM_WAIT_7 and others too
        return FloodWait(method_of(error.request), error.seconds)
    if isinstance(error, _VOID_SESSION):
        return AccountLost(words_of(error))
    if isinstance(error, errors.InvalidDCError):  # Telethon has changed to the right one: ask again
        return NotReached(words_of(error))
    if isinstance(error, _BROKEN_LINE):
        return NotReached(type(error).__name__)
    if isinstance(error, errors.RPCError):
        return Refused(error.code or 0, words_of(error))
    return error


def words_of(error: Exception) -> str:
    """Telegram's own words: `STARREF_EXPIRED` also where Telethon has no class for it."""
    numbered = _NUMBERED.get(type(error))
    if numbered:  # SESSION_TOO_FRESH_600
        return numbered.format(getattr(error, "seconds", "X"))
    return _WORDS.get(type(error)) or getattr(error, "message", None) or type(error).__name__


def method_of(request: Any) -> str:  # noqa: ANN401 - one of Telethon's requests
    """The method a request calls, as Telegram names it: `payments.connectStarRefBot`."""
    while hasattr(request, "query") and request.__module__ == functions.__name__:
        request = request.query  # invokeWithoutUpdates and the like
    namespace = request.__module__.removeprefix(functions.__name__).lstrip(".")
    name = type(request).__name__.removesuffix("Request")
    return ".".join(filter(None, (namespace, name[0].lower() + name[1:])))
