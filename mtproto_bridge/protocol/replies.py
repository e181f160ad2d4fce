"""What the bridge answers: one envelope, one result per kind, or a failure."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError

from mtproto_bridge.protocol.errors import ErrorCode, Failure
from mtproto_bridge.protocol.ids import AccountId, AffiliationId, BalanceId, BotId, RegistrationId, WatchedId
from mtproto_bridge.protocol.requests import VERSION, Envelope, Origin, ProgramSort, Sort

BalanceKind = Literal["channel", "account", "bot"]
Health = Literal["ok", "rights_missing", "unreachable", "account_lost", "frozen"]
"""Of a channel: the bridge may post there; it may not; it does not see it; its account is logged out, banned or
removed; its account may read only."""
RegistrationState = Literal["waiting", "picked", "joined", "promoted", "verified", "refused"]
"""Where a registration stands: waiting for the operator's word; the account is to come in (the bot makes an invite);
it is in and is to be promoted (by the bot); it has its right and the actor is to be found among the admins; done;
the operator said no."""
UNDER_WAY: tuple[RegistrationState, ...] = ("picked", "joined", "promoted")
"""The states in which an account holds a place for the channel, and the bot and the bridge go on by themselves."""


def pages_of(total: int, size: int) -> int:
    """How many pages of this size a list has; an empty one has one."""
    return max(1, -(-total // size))


class _Result(BaseModel):
    # A newer bridge may say more than an older bot knows: what is unknown is left aside.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Balance(_Result):
    """Where commission lands."""

    id: BalanceId
    kind: BalanceKind
    title: str
    username: str | None = None
    channel_id: int | None = None
    """Of a channel: the bare Telegram id, by which the bot finds it again."""
    joined: bool = False
    """Whether it has a live link for the program it is shown with."""
    may_connect: bool = True
    """On a program's card: whether Telegram lets the account that serves it join programs."""


class Program(_Result):
    """What a mini app's owner offers."""

    bot_id: BotId
    username: str
    title: str
    commission_permille: int
    duration_months: int | None
    """None: for as long as the referred user spends."""
    end_date: datetime | None = None
    """Set while the program is closing."""
    daily_revenue_nanos: int | None = None
    """Nanostars one referred user brings the app a day, when Telegram gives a figure."""
    joined: bool = False
    """Whether any balance of the actor has a live link for it."""


class Affiliation(_Result):
    """A balance promoting a program (core.telegram.org/constructor/connectedBotStarRef)."""

    id: AffiliationId
    balance: Balance
    bot_id: BotId
    bot_username: str
    bot_title: str
    url: str | None = None
    """Only on the link's own page, where the right to see it was asked at that moment."""
    date: datetime
    commission_permille: int
    duration_months: int | None
    participants: int
    revenue: int
    """Stars earned by this link, whole ones as Telegram gives them."""
    revoked: bool
    program_state: Literal["active", "closing", "ended"] = "active"
    end_date: datetime | None = None


class Watched(_Result):
    """A link that a person made in Telegram itself and has us watch. Its counters are visible only there."""

    id: WatchedId
    url: str
    bot_id: BotId
    bot_username: str
    bot_title: str
    alive: bool
    checked_at: datetime
    added_at: datetime
    program: Program | None = None
    """The program as it is now, in a list as last seen; None when the bot offers none any more."""


def _made_at(link: Affiliation | Watched) -> datetime:
    return link.date if isinstance(link, Affiliation) else link.added_at


class MayBeStale(_Result):
    """What the desk tells from the store, which may be older than lists allow."""

    stale_accounts: list[AccountId] = []
    """Accounts whose part was last asked of Telegram more than 60 s ago: refresh them, then ask again."""


class Balances(MayBeStale):
    """Answers list_balances."""

    kind: Literal["balances"] = "balances"
    balances: list[Balance]


class Programs(MayBeStale):
    """Answers browse_programs."""

    kind: Literal["programs"] = "programs"
    programs: list[Program]
    page: int
    pages: int
    total: int
    crawl: int = 0
    """Which reading of Telegram's lists this is a page of: named again, the next page neither repeats nor skips."""
    read_at: datetime | None = None
    """When that was."""
    sort: ProgramSort = "profit"
    """This and the next three: what was asked for, so that an answer that comes late says it, too."""
    min_permille: int = 0
    forever: bool = False
    words: str = ""


class ProgramCard(MayBeStale):
    """Answers show_program."""

    kind: Literal["program_card"] = "program_card"
    program: Program
    balances: list[Balance]
    terms_accepted: bool = True
    """Whether the actor has accepted the terms as they are now; until then nothing can be joined for them."""


class TermsAccepted(_Result):
    """Answers accept_terms."""

    kind: Literal["terms_accepted"] = "terms_accepted"


class Affiliations(MayBeStale):
    """Answers list_affiliations."""

    kind: Literal["affiliations"] = "affiliations"
    affiliations: list[Affiliation]
    """The links of balances on this page."""
    page: int
    pages: int
    total: int
    """Of balances, and watched."""
    balances: int
    """How many balances the actor has; with none, there is nothing to have links for."""
    watched: int = 0
    """How many links the actor has watched."""
    watched_links: list[Watched] = []
    """Those of them on this page."""
    sort: Sort = "date"
    """What was asked for."""

    @property
    def links(self) -> list[Affiliation | Watched]:
        """The page in its order: watched links have no counters, so they come last where these decide."""
        together: list[Affiliation | Watched] = [*self.affiliations, *self.watched_links]
        return sorted(together, key=_made_at, reverse=True) if self.sort == "date" else together


class Card(_Result):
    """A live link, as it is sent to somebody."""

    url: str
    bot_title: str
    balance_title: str | None = None
    """None for a watched link: Telegram alone knows its balance."""
    commission_permille: int | None = None
    """None where nothing is known of the program; `duration_months` says nothing then."""
    duration_months: int | None = None


class Cards(MayBeStale):
    """Answers list_cards."""

    kind: Literal["cards"] = "cards"
    cards: list[Card]
    page: int
    pages: int
    balances: int = 0
    """How many balances the actor has."""


class Refreshed(_Result):
    """Answers refresh."""

    kind: Literal["refreshed"] = "refreshed"


class AffiliationPage(_Result):
    """Answers show_affiliation, join and revoke."""

    kind: Literal["affiliation_page"] = "affiliation_page"
    affiliation: Affiliation
    changed: bool = False
    """Join: a link was made now. Revoke: it was this call that revoked it."""
    replaced_link: bool = False
    """Join: the balance had another link for this program before, which is dead."""
    replayed: bool = False
    """This is the stored result of an earlier tap with the same nonce: things may have changed since."""


class Account(_Result):
    """An account of the bridge, as people may know it: it is a member of their channel."""

    id: AccountId
    name: str
    username: str | None = None


class Channel(_Result):
    """A registered channel."""

    balance: Balance
    health: Health
    links: int
    """Live links, as last read."""
    checked_at: datetime | None = None
    """When Telegram was last asked for its health."""
    account: Account


class Registration(_Result):
    """One person's wish to register one channel."""

    id: RegistrationId
    state: RegistrationState
    channel_id: int
    """The bare Telegram id."""
    title: str
    username: str | None = None
    account: Account | None = None
    """Who comes into the channel; None while it waits or is refused."""
    balance_id: BalanceId | None = None
    """Set once it is verified."""
    person_id: int
    origin: Origin | None = None
    """Where its progress is shown."""


class Channels(MayBeStale):
    """Answers list_channels."""

    kind: Literal["channels"] = "channels"
    channels: list[Channel]
    registrations: list[Registration] = []
    """Those under way."""


class ChannelPage(_Result):
    """Answers show_channel."""

    kind: Literal["channel_page"] = "channel_page"
    channel: Channel
    other_managers: int = 0
    """How many other people are known to manage it."""


class ChannelRemoved(_Result):
    """Answers remove_channel."""

    kind: Literal["channel_removed"] = "channel_removed"
    title: str
    """Empty when an attempt whose end nobody knows had removed it."""
    revoked: int = 0
    """Links that were revoked on the way."""
    left_earning: int = 0
    """Live links that were left as they are."""
    replayed: bool = False


class RegistrationPage(_Result):
    """Answers start_registration, resume_registration, advance_registration and decide_registration."""

    kind: Literal["registration_page"] = "registration_page"
    registration: Registration
    added: bool = False
    """Verified: the actor was added to a channel that others had registered before."""


class OpenRegistrations(_Result):
    """Answers list_open_registrations."""

    kind: Literal["open_registrations"] = "open_registrations"
    registrations: list[Registration]


class CheckedLink(MayBeStale):
    """Answers check_link."""

    kind: Literal["checked_link"] = "checked_link"
    url: str
    """As Telegram writes it: https://t.me/<bot>?start=_tgr_…"""
    bot_username: str
    alive: bool
    program: Program | None = None
    """The program as it is now; None when the bot offers none, or is not known."""
    watched_id: WatchedId | None = None
    """Set when the actor has it watched."""
    own: Affiliation | None = None
    """Set when it is a link of one of the actor's balances."""
    newest: bool = False
    """`own` is the balance's newest link, which is the failure link_is_yours unless it was asked for."""


class WatchedPage(_Result):
    """Answers watch_link and show_watched."""

    kind: Literal["watched_page"] = "watched_page"
    watched: Watched
    new: bool = False
    """It was written down just now."""


class WatchedList(_Result):
    """Answers list_watched."""

    kind: Literal["watched_list"] = "watched_list"
    watched: list[Watched]
    page: int
    pages: int
    total: int


class Unwatched(_Result):
    """Answers unwatch_link."""

    kind: Literal["unwatched"] = "unwatched"


class Forgotten(_Result):
    """Nothing is held of the actor any more, but for what the privacy page names."""

    kind: Literal["forgotten"] = "forgotten"
    left: int = 0
    """Channels that nobody else manages: the bridge leaves them, and their links go on earning."""
    kept: int = 0
    """Channels that others manage too: they stay."""
    still_banned: bool = False
    replayed: bool = False
    """An earlier tap on the same button did it."""


class OperatedAccount(_Result):
    """An account as the operator sees it."""

    id: AccountId
    name: str
    username: str | None = None
    state: str
    """One of `store.accounts.State`."""
    served_by: str | None = None
    """The bridge that holds its lane."""
    waiting: int = 0
    """Requests in its lane."""
    flooded_until: datetime | None = None
    channels: int
    free: int
    """How many more channels it may take."""


class Operations(_Result):
    """Answers show_operations and ban_person."""

    kind: Literal["operations"] = "operations"
    accounts: list[OperatedAccount]
    dead_letters: int
    registrations: list[Registration]
    """Those that wait for the operator's word, the oldest first."""
    registrations_waiting: int
    """All of them; `registrations` holds the first few."""
    people: int
    banned: list[int]
    """Ids of banned people."""


Result = Annotated[
    Balances
    | Programs
    | ProgramCard
    | TermsAccepted
    | Affiliations
    | Cards
    | Refreshed
    | AffiliationPage
    | Channels
    | ChannelPage
    | ChannelRemoved
    | RegistrationPage
    | OpenRegistrations
    | CheckedLink
    | WatchedPage
    | WatchedList
    | Unwatched
    | Forgotten
    | Operations,
    Field(discriminator="kind"),
]


class UnknownReply(BaseModel):
    """What every reply has, of whatever version: enough to tell the asker that it is not understood."""

    model_config = ConfigDict(frozen=True)

    request_id: str
    actor: int
    trace: str
    origin: Origin | None = None

    def as_failure(self) -> "Reply":
        """The failure `unsupported` in its place."""
        return Reply(**self.model_dump(), failure=Failure(code=ErrorCode.UNSUPPORTED))


class Reply(UnknownReply):
    """The answer to one request: a result or a failure."""

    version: int = VERSION
    result: SerializeAsAny[Result] | None = None  # as what it is: looking for it in the union takes as long again
    failure: Failure | None = None

    @classmethod
    def to(cls, asked: Envelope, *, result: Result | None = None, failure: Failure | None = None) -> Self:
        """The answer to this request, of whatever version that is."""
        return cls(
            request_id=asked.id,
            actor=asked.actor,
            trace=asked.trace,
            origin=asked.origin,
            result=result,
            failure=failure,
        )


def parse_reply(raw: str) -> Reply | None:
    """A reply as it travelled or was stored; one with a result unknown here becomes the failure `unsupported`.

    None for what is no reply of any version.
    """
    try:
        return Reply.model_validate_json(raw)
    except ValidationError:
        pass
    try:
        return UnknownReply.model_validate_json(raw).as_failure()
    except ValidationError:
        return None
