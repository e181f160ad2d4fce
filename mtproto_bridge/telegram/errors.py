"""What Telethon raises, as what the gateway promises."""

from telethon import errors
from telethon.errors.rpcerrorlist import rpc_errors_dict

from mtproto_bridge.telegram.gateway import AccountLost, FloodWait, NotReached, Refused

# Telethon's classes for known errors no longer carry Telegram's own words; its table has them.
_WORDS = {known: words for words, known in rpc_errors_dict.items()}

_VOID_SESSION = (errors.UnauthorizedError, errors.AuthKeyDuplicatedError, errors.AuthKeyNotFound)


def translate(error: Exception) -> Exception:
    """The gateway's exception for one of Telethon's; any other comes back as it is."""
    if isinstance(error, errors.FloodWaitError):
        return FloodWait(error.seconds)
    if isinstance(error, _VOID_SESSION):
        return AccountLost(words_of(error))
    if isinstance(error, errors.InvalidDCError):  # Telethon has changed to the right one: ask again
        return NotReached(words_of(error))
    if isinstance(error, errors.ServerError | errors.TimedOutError | ConnectionError | TimeoutError | OSError):
        return NotReached(type(error).__name__)
    if isinstance(error, errors.RPCError):
        return Refused(error.code or 0, words_of(error))
    return error


def words_of(error: Exception) -> str:
    """Telegram's own words: `STARREF_EXPIRED` also where Telethon has no class for it."""
    return _WORDS.get(type(error)) or getattr(error, "message", None) or type(error).__name__
