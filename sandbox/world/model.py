"""Who and what there is in the sandbox's Telegram."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

NANOS = 1_000_000_000
"""One Star in nanostars, the smallest unit Telegram counts (core.telegram.org/constructor/starsAmount)."""

AdminRight = Literal[
    "post_messages", "edit_messages", "delete_messages", "change_info", "invite_users", "promote_members"
]


@dataclass
class Person:
    """A Telegram user who is no bot."""

    id: int
    first_name: str
    username: str | None = None
    phone: str | None = None
    language: str = "en"
    about: str = ""
    """One line on who this is, for the page."""
    login_code: str = "22222"
    password: str | None = None
    """The two-step password, when one is set."""
    password_hint: str = ""
    premium: bool = False
    may_connect: bool = True
    """`starref_connect_allowed` in this account's app config."""
    started_bots: set[int] = field(default_factory=set)
    """Bots (mini apps) this person has started at least once."""
    followed: list["ReferralLink"] = field(default_factory=list)
    """Referral links followed, oldest first, that no first start has used yet."""


@dataclass
class Program:
    """What a mini app's owner offers (core.telegram.org/constructor/starRefProgram)."""

    commission_permille: int
    duration_months: int | None
    """Months after a user's first start in which their spending pays; None means forever."""
    created: datetime
    end_date: datetime | None = None
    """When a program in its wind-down is gone; None while it is active."""


@dataclass
class Bot:
    """A bot or mini app, with the affiliate program it may offer."""

    id: int
    title: str
    username: str
    owner_id: int
    token: str | None = None
    """The Bot API token; only bots that something runs have one."""
    program: Program | None = None
    daily_revenue_nanos: int | None = None
    """Nanostars one referred user brings a day, when Telegram gives a figure."""
    supports_inline: bool = False


@dataclass
class Channel:
    """A broadcast channel."""

    id: int
    title: str
    creator_id: int
    username: str | None = None
    admins: dict[int, set[AdminRight]] = field(default_factory=dict)
    """User id to rights; the creator is not in it and has all of them."""
    members: set[int] = field(default_factory=set)
    """Subscribers who are no admins."""
    created: datetime | None = None

    def is_member(self, user_id: int) -> bool:
        """Whether the user is in the channel in any role."""
        return user_id == self.creator_id or user_id in self.admins or user_id in self.members

    def has_right(self, user_id: int, right: AdminRight) -> bool:
        """Whether the user may do this in the channel."""
        return user_id == self.creator_id or right in self.admins.get(user_id, ())


@dataclass(eq=False)
class ReferralLink:
    """One connectedBotStarRef (core.telegram.org/constructor/connectedBotStarRef)."""

    url: str
    token: str
    """What follows `?start=` without its prefix."""
    balance_id: int
    """The id of the person, bot or channel whose balance earns."""
    bot_id: int
    date: datetime
    program: Program
    """The program it was made under: a new program of the same bot does not revive it."""
    commission_permille: int
    duration_months: int | None
    revoked: bool = False
    participants: int = 0
    revenue_nanos: int = 0


@dataclass(frozen=True)
class Referral:
    """A person bound to the link that brought them, from their first start on."""

    link: ReferralLink
    person_id: int
    first_start: datetime


@dataclass(frozen=True)
class Sale:
    """One purchase in a mini app, with the affiliate's part when there was one."""

    id: int
    date: datetime
    bot_id: int
    buyer_id: int
    stars: int
    commission_nanos: int = 0
    referral: Referral | None = None
    refund_of: int | None = None
