"""Every way a request can fail: a stable code, and the facts a sentence about it needs."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from mtproto_bridge.protocol.ids import BalanceId, BotId


class ErrorCode(StrEnum):
    """Stable: a code is never renamed, since an older bot may meet a newer bridge."""

    NOT_A_MANAGER = "not_a_manager"
    """The actor may not act for this balance (or it does not exist: the answer is the same)."""
    RIGHTS_MISSING = "rights_missing"
    """The bridge's account lost its right to post in the channel."""
    BALANCE_UNREACHABLE = "balance_unreachable"
    """The bridge's account no longer sees the channel at all."""
    NO_SUCH_BOT = "no_such_bot"
    """Nobody has this username, or who has it is no bot."""
    PROGRAM_UNAVAILABLE = "program_unavailable"
    """The bot offers no affiliate program."""
    PROGRAM_CLOSING = "program_closing"
    """The program is in its last 24 hours and takes no new affiliates."""
    NOT_JOINED = "not_joined"
    """The balance has no link for this program."""
    LINK_EXPIRED = "link_expired"
    """The link is dead: revoked, or its program ended."""
    CONFIRMATION_EXPIRED = "confirmation_expired"
    """The button is older than a confirmation's life: show it anew."""
    CONFIRMATION_CHANGED = "confirmation_changed"
    """The same nonce came with another payload."""
    FLOOD_WAIT = "flood_wait"
    """Telegram said to wait until `retry_at`."""
    SLOW_DOWN = "slow_down"
    """The actor asks more often than one person may: again from `retry_at`. Nothing was done."""
    ACCOUNT_UNAVAILABLE = "account_unavailable"
    """The account that serves this balance is logged out, or there is no account at all."""
    FROZEN = "frozen"
    """Telegram froze the account: it may read, not act."""
    DEADLINE_PASSED = "deadline_passed"
    """Nobody started the request in time; nothing was done."""
    NO_ANSWER = "no_answer"
    """No answer came in time; what was asked may still happen, and is then shown."""
    UNAVAILABLE = "unavailable"
    """The queue is full or out of reach; nothing was done."""
    MOVED = "moved"
    """Another account serves this balance: `account_id`."""
    UNSUPPORTED = "unsupported"
    """The bridge does not know this kind or version of request: bot and bridge differ in age."""
    GAVE_UP = "gave_up"
    """The request was begun too often without an end."""
    BANNED = "banned"
    """The operator does not let this person use the service."""
    NOT_AN_OPERATOR = "not_an_operator"
    """Only the operator may ask this."""
    REGISTRATION_CLOSED = "registration_closed"
    """The operator lets nobody register channels."""
    REGISTRATION_GONE = "registration_gone"
    """There is no such registration of the actor's any more: pick the channel again."""
    TOO_MANY_CHANNELS = "too_many_channels"
    """The actor has registered as many channels as one person may: `limit`."""
    NO_CAPACITY = "no_capacity"
    """No account of the bridge can take another channel now."""
    INVITE_REFUSED = "invite_refused"
    """The account could not come into the channel: the invite is dead, or the channel has banned it."""
    ASKER_NOT_ADMIN = "asker_not_admin"
    """Who registers a channel must be its creator or an admin with post_messages."""
    CONNECT_NOT_ALLOWED = "connect_not_allowed"
    """Telegram does not let the account that serves this balance (`balance_title`) join programs now."""
    TERMS_NOT_ACCEPTED = "terms_not_accepted"
    """The actor has not accepted the terms as they are now: show them. Nothing was done."""
    NO_SUCH_LINK = "no_such_link"
    """What was given is no referral link, or a watched link that is not there (any more)."""
    TOO_MANY_LINKS = "too_many_links"
    """The actor has as many links watched as one person may: `limit`."""
    LINK_IS_YOURS = "link_is_yours"
    """The link is one of a balance of the actor's: `balance_id` and `bot_id` name it. Its page says more."""
    AWAITING_END = "awaiting_end"
    """The program is in its last 24 hours: it can be neither changed nor joined, and a new one has to wait."""
    INVALID_COMMISSION = "invalid_commission"
    """Telegram does not take this commission: outside its limits, or lower than it is."""
    INVALID_DURATION = "invalid_duration"
    """Telegram does not take this duration: too long, or shorter than it is."""
    WITHDRAW_IN_APP = "withdraw_in_app"
    """Telegram wants a two-step password, and one that is a day old: nothing we ask for."""
    TELEGRAM = "telegram"
    """Telegram refused with a message we have no sentence for: `telegram_code`, `telegram_message`."""
    INTERNAL = "internal"
    """A fault of ours; the log has it under the request's trace."""


class Failure(BaseModel):
    """An error as it travels."""

    model_config = ConfigDict(frozen=True)

    code: ErrorCode
    retry_at: datetime | None = None
    end_date: datetime | None = None
    account_id: int | None = None
    telegram_code: int | None = None
    telegram_message: str | None = None
    balance_title: str | None = None
    username: str | None = None
    limit: int | None = None
    balance_id: BalanceId | None = None
    bot_id: BotId | None = None


class BridgeError(Exception):
    """A failure as it is raised, in the bridge's actions and again in the bot."""

    def __init__(self, failure: Failure | ErrorCode) -> None:
        self.failure = failure if isinstance(failure, Failure) else Failure(code=failure)
        super().__init__(self.failure.model_dump_json(exclude_none=True))

    @property
    def code(self) -> ErrorCode:
        """The stable code."""
        return self.failure.code
