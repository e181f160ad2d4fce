"""What the bot asks: one envelope, one payload per kind.

A kind that acts (`Mutation`) names a balance and carries a nonce; all others only read.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mtproto_bridge.protocol.ids import AffiliationId, BalanceId, BotId

VERSION = 1
PAGE_LIMIT = 50

Sort = Literal["date", "revenue", "participants"]


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListBalances(_Payload):
    """The balances the actor may act for (desk; may be 60 s old)."""

    kind: Literal["list_balances"] = "list_balances"


class BrowsePrograms(_Payload):
    """One page of programs, most profitable first (desk)."""

    kind: Literal["browse_programs"] = "browse_programs"
    page: int = Field(0, ge=0)
    size: int = Field(6, ge=1, le=PAGE_LIMIT)


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
    """One page of the actor's links over all their balances, from the store (desk; without URLs)."""

    kind: Literal["list_affiliations"] = "list_affiliations"
    page: int = Field(0, ge=0)
    size: int = Field(6, ge=1, le=PAGE_LIMIT)
    sort: Sort = "date"


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


Payload = Annotated[
    ListBalances | BrowsePrograms | ShowProgram | ListAffiliations | Refresh | ShowAffiliation | Join | Revoke,
    Field(discriminator="kind"),
]
Mutation = Join | Revoke
ForBalance = ShowAffiliation | Join | Revoke
DeskPayload = ListBalances | BrowsePrograms | ShowProgram | ListAffiliations
"""What is bound to no certain account."""


class Origin(BaseModel):
    """Where an answer is shown when the process that asked is gone."""

    model_config = ConfigDict(frozen=True)

    chat_id: int
    message_id: int | None = None
    locale: str = "en"


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
        return f"request:{self.id}"
