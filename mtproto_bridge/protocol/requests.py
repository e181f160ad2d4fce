"""What the bot asks: one envelope, one payload per kind.

A kind that acts on a tap that must count once (`Mutation`) carries a nonce.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mtproto_bridge.protocol.ids import AffiliationId, BalanceId, BotId, RegistrationId, WatchedId

VERSION = 1
TERMS_VERSION = 1
"""Counts up whenever the terms say something new: then everybody is asked again."""
PAGE_LIMIT = 50
LONGEST_TITLE, LONGEST_URL = 255, 255
"""Characters of a name or a link that are kept."""

Sort = Literal["date", "revenue", "participants"]
ProgramSort = Literal["profit", "revenue", "date"]
"""Telegram's own orders of programs: by potential profit, by revenue, newest first."""


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListBalances(_Payload):
    """The balances the actor may act for (desk; may be 60 s old)."""

    kind: Literal["list_balances"] = "list_balances"


class BrowsePrograms(_Payload):
    """One page of programs, from the index (desk)."""

    kind: Literal["browse_programs"] = "browse_programs"
    page: int = Field(0, ge=0)
    size: int = Field(6, ge=1, le=PAGE_LIMIT)
    sort: ProgramSort = "profit"
    min_permille: int = Field(0, ge=0, le=1000)
    """Only programs with this commission or more."""
    forever: bool = False
    """Only programs that pay as long as a referred user spends."""
    words: str = Field("", max_length=64)
    """Only programs whose app's name or username has each of these words in it."""
    crawl: int | None = None
    """Which reading of Telegram's lists is paged through (`Programs.crawl`); the newest when it is gone."""


class ShowProgram(_Payload):
    """One program, by username or bot id, with the actor's balances (desk)."""

    kind: Literal["show_program"] = "show_program"
    username: str | None = None
    bot_id: BotId | None = None

    @model_validator(mode="after")
    def _one_name(self) -> "ShowProgram":
        if (self.username is None) == (self.bot_id is None):
            raise ValueError("give the username or the bot id")
        return self


class ListAffiliations(_Payload):
    """One page of the actor's links over all their balances and those watched, from the store (desk)."""

    kind: Literal["list_affiliations"] = "list_affiliations"
    page: int = Field(0, ge=0)
    size: int = Field(6, ge=1, le=PAGE_LIMIT)
    sort: Sort = "date"


class ListCards(_Payload):
    """One page of the actor's live links, own and watched, from the store, to be sent to somebody (desk; with URLs).

    The one list with URLs: a card without its URL is none. It is read as any list is, with a proof of Telegram's
    that is at most 60 s old.
    """

    kind: Literal["list_cards"] = "list_cards"
    page: int = Field(0, ge=0)
    size: int = Field(PAGE_LIMIT, ge=1, le=PAGE_LIMIT)


class Refresh(_Payload):
    """Ask Telegram anew for the balances of the actor that one account serves (account's lane).

    Whether the actor may still act for them, and with `links` the balances' links too.
    """

    kind: Literal["refresh"] = "refresh"
    links: bool = False


class ShowAffiliation(_Payload):
    """A balance's link for a program as it is now, with its URL (balance's lane)."""

    kind: Literal["show_affiliation"] = "show_affiliation"
    balance_id: BalanceId
    bot_id: BotId


class Join(_Payload):
    """Connect a balance to a program, or return the link it has (balance's lane)."""

    kind: Literal["join"] = "join"
    balance_id: BalanceId
    bot_id: BotId


class Revoke(_Payload):
    """Revoke one certain link, never its successor (balance's lane)."""

    kind: Literal["revoke"] = "revoke"
    balance_id: BalanceId
    affiliation_id: AffiliationId


class AcceptTerms(_Payload):
    """The actor accepts the terms they were shown; accepting them twice is a success (desk)."""

    kind: Literal["accept_terms"] = "accept_terms"
    version: int
    """Which terms those were (`TERMS_VERSION` at that time)."""


class ListChannels(_Payload):
    """The actor's channels with their health, and their registrations under way (desk; may be 60 s old)."""

    kind: Literal["list_channels"] = "list_channels"


class ShowChannel(_Payload):
    """One channel as it is now: the bridge's right and the actor's are asked of Telegram (balance's lane)."""

    kind: Literal["show_channel"] = "show_channel"
    balance_id: BalanceId


class RemoveChannel(_Payload):
    """Take the bridge out of a channel, its links revoked first or left earning (balance's lane)."""

    kind: Literal["remove_channel"] = "remove_channel"
    balance_id: BalanceId
    revoke_links: bool


class StartRegistration(_Payload):
    """The actor picked a channel; also when it is registered already, or half (desk).

    It acts once without a nonce: what was begun for this actor and channel goes on.
    """

    kind: Literal["start_registration"] = "start_registration"
    channel_id: int
    """The bare Telegram id."""
    title: str = Field(max_length=LONGEST_TITLE)
    username: str | None = None


class ResumeRegistration(_Payload):
    """Where a registration of the actor's stands; one whose account is lost gets another (desk)."""

    kind: Literal["resume_registration"] = "resume_registration"
    registration_id: RegistrationId
    by_itself: bool = False
    """Nobody asked: a bot goes on after a start. That alone keeps no registration under way."""


class AdvanceRegistration(_Payload):
    """Go as far as the bridge can by itself (registration's lane).

    Come in by the invite where it is not in yet, read its right, find the actor among the admins. The answer's
    state says what is the bot's to do next.
    """

    kind: Literal["advance_registration"] = "advance_registration"
    registration_id: RegistrationId
    invite: str | None = None
    """A one-use invite link of the bot's making; never logged."""


class ListOpenRegistrations(_Payload):
    """The registrations under way of everybody, for a bot that has just started (desk; actor: the bot itself)."""

    kind: Literal["list_open_registrations"] = "list_open_registrations"


class CheckLink(_Payload):
    """Whether a referral link is alive, and whose program it is; nothing is kept, nobody joins (desk)."""

    kind: Literal["check_link"] = "check_link"
    url: str = Field(max_length=LONGEST_URL)
    own_too: bool = False
    """Look at the newest link of the actor's own balance as at anybody's: its page cannot be had now."""


class WatchLink(_Payload):
    """Keep a link the actor made in Telegram itself, if it is alive; keeping it twice is a success (desk)."""

    kind: Literal["watch_link"] = "watch_link"
    url: str = Field(max_length=LONGEST_URL)


class ListWatched(_Payload):
    """One page of the actor's watched links alone, newest first (desk). Older bots ask this."""

    kind: Literal["list_watched"] = "list_watched"
    page: int = Field(0, ge=0)
    size: int = Field(6, ge=1, le=PAGE_LIMIT)


class ShowWatched(_Payload):
    """One watched link; whether it is alive is asked of Telegram (desk)."""

    kind: Literal["show_watched"] = "show_watched"
    watched_id: WatchedId


class UnwatchLink(_Payload):
    """Forget a watched link; one that is forgotten already is a success (desk)."""

    kind: Literal["unwatch_link"] = "unwatch_link"
    watched_id: WatchedId


class ShowOperations(_Payload):
    """Accounts, lanes, waiting requests, dead letters, registrations to approve (desk; operators only)."""

    kind: Literal["show_operations"] = "show_operations"


class DecideRegistration(_Payload):
    """Approve or refuse a registration; one that is decided stays as it is (desk; operators only)."""

    kind: Literal["decide_registration"] = "decide_registration"
    registration_id: RegistrationId
    approve: bool


class BanPerson(_Payload):
    """Let a person use the service no more, or again (desk; operators only). Their channels stay."""

    kind: Literal["ban_person"] = "ban_person"
    person_id: int
    banned: bool = True


class ForgetPerson(_Payload):
    """Erase what is held of the actor; once they are forgotten, forgetting again is a success (desk)."""

    kind: Literal["forget_person"] = "forget_person"


ActsForBalance = Join | Revoke | RemoveChannel
Mutation = ActsForBalance | ForgetPerson
"""What acts on a tap that must count once: it carries a nonce."""
ForBalance = ShowAffiliation | ShowChannel | ActsForBalance
"""What goes to the lane of the account that serves the balance."""
DeskPayload = (
    ListBalances
    | BrowsePrograms
    | ShowProgram
    | ListAffiliations
    | ListCards
    | AcceptTerms
    | ListChannels
    | StartRegistration
    | ResumeRegistration
    | ListOpenRegistrations
    | CheckLink
    | WatchLink
    | ListWatched
    | ShowWatched
    | UnwatchLink
    | ShowOperations
    | DecideRegistration
    | BanPerson
    | ForgetPerson
)
"""What is bound to no certain account."""
Payload = Annotated[DeskPayload | ForBalance | Refresh | AdvanceRegistration, Field(discriminator="kind")]


class Origin(BaseModel):
    """Where an answer is shown when the process that asked is gone."""

    model_config = ConfigDict(frozen=True)

    chat_id: int
    message_id: int | None = None
    locale: str = "en"
    name: str | None = None
    """Who asks, as Telegram shows them: other managers are told."""


class Envelope(BaseModel):
    """What every request has, of whatever version: enough to answer one that is not understood."""

    model_config = ConfigDict(frozen=True)

    version: int
    id: str
    actor: int
    reply_to: str
    """The stable name of the client that asks."""
    trace: str
    origin: Origin | None = None


class Request(Envelope):
    """One request of one person."""

    version: int = VERSION
    deadline: datetime
    """For a mutation: start by; for a read: answer by."""
    nonce: str | None = None
    payload: Payload

    @model_validator(mode="after")
    def _mutations_carry_a_nonce(self) -> "Request":
        if isinstance(self.payload, Mutation) != (self.nonce is not None):
            raise ValueError("a mutation carries a nonce, a read none")
        return self

    @property
    def bound(self) -> str:
        """What its nonce is bound to, on one line: with anything else the nonce is refused."""
        return self.payload.model_dump_json()

    @property
    def order_key(self) -> str:
        """Requests with the same key run one after the other; others side by side."""
        if isinstance(self.payload, ForBalance):
            return f"balance:{self.payload.balance_id}"
        if isinstance(self.payload, AdvanceRegistration):
            return f"registration:{self.payload.registration_id}"
        if isinstance(self.payload, StartRegistration):  # one tap may be told twice, by two kinds of update
            return f"start:{self.actor}"
        return f"request:{self.id}"
