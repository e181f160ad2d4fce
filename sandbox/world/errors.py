"""What Telegram answers when it refuses."""


class TelegramError(Exception):
    """A refusal as Telegram words it: an HTTP-like code and a machine-readable message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


def bad_request(message: str) -> TelegramError:
    """The commonest refusal: code 400."""
    return TelegramError(400, message)


def flood_wait(seconds: int) -> TelegramError:
    """Told to wait `seconds` (core.telegram.org/api/errors#420-flood)."""
    return TelegramError(420, f"FLOOD_WAIT_{seconds}")
