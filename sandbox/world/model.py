"""Who and what there is in the sandbox's Telegram."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

NANOS = 1_000_000_000
"""One Star in nanostars, the smallest unit Telegram counts (core.telegram.org/constructor/starsAmount)."""

AdminRight = Literal[
    "post_messages", "edit_messages", "delete_messages", "change_info", "invite_users", "promote_members"
]
ALL_RIGHTS: tuple[AdminRight, ...] = get_args(AdminRight)

Deactivation = Literal["banned", "deleted"]
"""How an account came to its end; to everybody else both look deleted."""


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
    channels_limit: int | None = None
    """How many channels the account may be in; None means Telegram's usual number."""
    frozen_since: datetime | None = None
    """Since when the account may only read; None while it may act (core.telegram.org/api/auth#frozen-accounts)."""
    deactivated: Deactivation | None = None
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


MemberStatus = Literal["creator", "administrator", "member", "left", "kicked"]
"""The Bot API's words (core.telegram.org/bots/api#chatmember)."""


@dataclass(frozen=True)
class Membership:
    """What somebody is in a channel at one moment."""

    status: MemberStatus
    rights: frozenset[AdminRight] = frozenset()
    promoted_by: int | None = None
    """Of an admin: who made them one, and may edit them beside the creator."""

    @property
    def inside(self) -> bool:
        """Whether that is any kind of member."""
        return self.status not in ("left", "kicked")


@dataclass
class InviteLink:
    """An invite link beside the primary one (core.telegram.org/constructor/chatInviteExported)."""

    hash: str
    """What follows `https://t.me/+`."""
    maker_id: int
    name: str = ""
    expires: datetime | None = None
    member_limit: int | None = None
    joined: int = 0
    """How many came by it."""
    revoked: bool = False

    @property
    def url(self) -> str:
        """The link."""
        return f"https://t.me/+{self.hash}"

    def is_dead(self, now: datetime) -> bool:
        """Whether nobody can come by it any more: revoked, expired or used up."""
        expired = self.expires is not None and self.expires <= now
        used_up = self.member_limit is not None and self.joined >= self.member_limit
        return self.revoked or expired or used_up


@dataclass
class Channel:
    """A broadcast channel. Bots are in it as admins or not at all."""

    id: int
    title: str
    creator_id: int
    username: str | None = None
    admins: dict[int, set[AdminRight]] = field(default_factory=dict)
    """User id to rights; the creator is not in it and has all of them."""
    members: set[int] = field(default_factory=set)
    """Subscribers who are no admins."""
    created: datetime | None = None
    promoted_by: dict[int, int] = field(default_factory=dict)
    """Admin to who promoted them; an admin who is not in it owes it to the creator."""
    banned: set[int] = field(default_factory=set)
    former: set[int] = field(default_factory=set)
    """Who was in it and is no more: a bot goes on knowing such a channel."""
    invites: list[InviteLink] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many are in it, the creator and bots included."""
        return 1 + len(self.admins) + len(self.members)

    def is_member(self, user_id: int) -> bool:
        """Whether the user is in the channel in any role."""
        return user_id == self.creator_id or user_id in self.admins or user_id in self.members

    def rights_of(self, user_id: int) -> frozenset[AdminRight]:
        """Everything the user may do in the channel."""
        return frozenset(ALL_RIGHTS if user_id == self.creator_id else self.admins.get(user_id, ()))

    def has_right(self, user_id: int, right: AdminRight) -> bool:
        """Whether the user may do this in the channel."""
        return right in self.rights_of(user_id)

    def membership(self, user_id: int) -> Membership:
        """What the user is in the channel now."""
        if user_id == self.creator_id:
            return Membership("creator", self.rights_of(user_id))
        if user_id in self.admins:
            by = self.promoted_by.get(user_id, self.creator_id)
            return Membership("administrator", self.rights_of(user_id), by)
        if user_id in self.members:
            return Membership("member")
        return Membership("kicked" if user_id in self.banned else "left")


@dataclass(frozen=True)
class MemberChange:
    """Somebody's place in a channel changed."""

    channel: Channel
    user_id: int
    actor_id: int
    date: datetime
    before: Membership
    after: Membership
    invite: InviteLink | None = None
    """The link they came by."""


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
