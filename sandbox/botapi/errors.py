"""How the Bot API refuses: a code and a description in Telegram's own words."""


class ApiError(Exception):
    """A refused Bot API call (core.telegram.org/bots/api#making-requests)."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.retry_after = retry_after
        """Seconds, with code 429."""


def bad_request(reason: str) -> ApiError:
    """The commonest refusal: code 400."""
    return ApiError(400, f"Bad Request: {reason}")


def forbidden(reason: str) -> ApiError:
    """The person does not want this bot, or never asked for it: code 403."""
    return ApiError(403, f"Forbidden: {reason}")


def conflict(reason: str) -> ApiError:
    """Two ways of getting updates at once: code 409."""
    return ApiError(409, f"Conflict: {reason}")


def too_many_requests(seconds: int) -> ApiError:
    """Told to wait: code 429 with `retry_after` (core.telegram.org/bots/api#responseparameters)."""
    return ApiError(429, f"Too Many Requests: retry after {seconds}", seconds)
