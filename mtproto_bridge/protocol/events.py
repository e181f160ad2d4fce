"""What the bridge tells the bot unasked: one envelope, one payload per kind, and who is to hear it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.protocol.replies import Balance, Health, Registration
from mtproto_bridge.protocol.requests import VERSION


class _Part(BaseModel):
    # A newer bridge may say more than an older bot knows: what is unknown is left aside.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Hearer(_Part):
    """Somebody who is told, in their private chat."""

    person_id: int
    locale: str = "en"


class Acted(_Part):
    """Somebody else acted on a balance the hearers manage."""

    kind: Literal["acted"] = "acted"
    action: Literal["register", "join", "revoke", "remove"]
    """`register`: they became a manager of it."""
    person_id: int
    person_name: str | None = None
    balance: Balance
    bot_id: BotId | None = None
    bot_title: str | None = None
    """Join and revoke: the program's app."""
    bot_username: str | None = None


class HealthChanged(_Part):
    """A channel lost what the bridge needs there, or has it again."""

    kind: Literal["health_changed"] = "health_changed"
    balance: Balance
    before: Health
    health: Health
    account_name: str
    account_username: str | None = None


class LinkState(_Part):
    """One link of a channel that changed its account."""

    bot_title: str
    alive: bool | None
    """None: it could not be asked."""


class AccountGone(_Part):
    """The account that served the hearers' channel is banned or deleted: another can take over."""

    kind: Literal["account_gone"] = "account_gone"
    balance: Balance
    account_name: str
    links: list[LinkState] = []


class ChannelIdle(_Part):
    """A channel had no live link for long and will be released."""

    kind: Literal["channel_idle"] = "channel_idle"
    balance: Balance
    release_at: datetime


class ChannelReleased(_Part):
    """The bridge left a channel that had no live link for long."""

    kind: Literal["channel_released"] = "channel_released"
    balance: Balance


class AccountChanged(_Part):
    """For operators: an account changed its state."""

    kind: Literal["account_changed"] = "account_changed"
    account_id: AccountId
    name: str
    before: str
    state: str
    """One of `store.accounts.State`."""
    channels: int = 0
    """Channels it serves."""


class RegistrationWaits(_Part):
    """For operators: somebody wants to register a channel."""

    kind: Literal["registration_waits"] = "registration_waits"
    registration: Registration
    person_name: str | None = None


class RegistrationDecided(_Part):
    """For who asked: the operator approved (then it goes on by itself) or refused."""

    kind: Literal["registration_decided"] = "registration_decided"
    registration: Registration


Occurrence = Annotated[
    Acted
    | HealthChanged
    | AccountGone
    | ChannelIdle
    | ChannelReleased
    | AccountChanged
    | RegistrationWaits
    | RegistrationDecided,
    Field(discriminator="kind"),
]


class Event(_Part):
    """One occurrence and who is to hear of it. It may come twice, with the same id."""

    version: int = VERSION
    id: str
    at: datetime
    hearers: list[Hearer]
    what: Occurrence


def parse_event(raw: str) -> Event | None:
    """An event as it travelled; None for one that is not known here."""
    try:
        return Event.model_validate_json(raw)
    except ValidationError:
        return None
