"""What the bridge answers: one envelope, one result per kind, or a failure."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError

from mtproto_bridge.protocol.errors import ErrorCode, Failure
from mtproto_bridge.protocol.ids import AccountId, AffiliationId, BalanceId, BotId
from mtproto_bridge.protocol.requests import VERSION, Envelope, Origin

BalanceKind = Literal["channel", "account", "bot"]


class _Result(BaseModel):
    # A newer bridge may say more than an older bot knows: what is unknown is left aside.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Balance(_Result):
    """Where commission lands."""

    id: BalanceId
    kind: BalanceKind
    title: str
    username: str | None = None
    joined: bool = False
    """Whether it has a live link for the program it is shown with."""


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


class ProgramCard(MayBeStale):
    """Answers show_program."""

    kind: Literal["program_card"] = "program_card"
    program: Program
    balances: list[Balance]


class Affiliations(MayBeStale):
    """Answers list_affiliations."""

    kind: Literal["affiliations"] = "affiliations"
    affiliations: list[Affiliation]
    page: int
    pages: int
    total: int
    balances: int
    """How many balances the actor has; with none, there is nothing to have links for."""


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


Result = Annotated[
    Balances | Programs | ProgramCard | Affiliations | Refreshed | AffiliationPage,
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
