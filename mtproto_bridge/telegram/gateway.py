"""What the bridge needs of Telegram, typed: the one thing actions know of it.

The real one is `telethon_gateway`; units are Telegram's own: permille, months, whole Stars.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Protocol

from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.protocol.replies import BalanceKind, Program
from mtproto_bridge.protocol.requests import ProgramSort

NOBODY = ("USERNAME_NOT_OCCUPIED", "USERNAME_INVALID")
"""What Telegram refuses a username with that nobody has."""


class Refused(Exception):  # noqa: N818 - Telegram's refusal, an answer like others
    """Telegram refused a call: an RPC error as it came."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


class FloodWait(Exception):  # noqa: N818
    """Telegram said to wait `seconds` before this account calls this method again."""

    def __init__(self, method: str, seconds: float) -> None:
        super().__init__(f"wait {ceil(seconds)} s")
        self.method = method
        """As Telegram names it: `payments.connectStarRefBot`."""
        self.seconds = seconds
        self.may_have_acted = False
        """An earlier try of the same request broke off, nobody knows how far it came."""


_ENDED = ("USER_DEACTIVATED_BAN", "USER_DEACTIVATED")


class AccountLost(Exception):  # noqa: N818
    """The account's session is no longer valid at Telegram; the text is Telegram's word for why."""

    @property
    def banned(self) -> bool:
        """Whether the account itself is banned or deleted; else a new login helps."""
        return str(self) in _ENDED


class SessionSealed(Exception):  # noqa: N818
    """The account's session cannot be opened with the keys this bridge has; at Telegram it may be fine."""


class NotReached(Exception):  # noqa: N818
    """Telegram could not be reached, or the connection broke before an answer came."""


@dataclass(frozen=True)
class BalancePeer:
    """A balance as Telegram addresses it."""

    kind: BalanceKind
    peer_id: int


@dataclass(frozen=True)
class Me:
    """The account itself."""

    id: AccountId
    name: str
    username: str | None
    is_bot: bool


@dataclass(frozen=True)
class OwnChannel:
    """A broadcast channel the account may post in."""

    peer_id: int
    title: str
    username: str | None


@dataclass(frozen=True)
class Connection:
    """One connectedBotStarRef (core.telegram.org/constructor/connectedBotStarRef)."""

    bot_id: BotId
    bot_username: str
    bot_title: str
    url: str
    date: datetime
    commission_permille: int
    duration_months: int | None
    participants: int
    revenue: int
    revoked: bool


@dataclass(frozen=True)
class ProgramPage:
    """A page of suggested programs; `next_offset` is None on the last."""

    programs: list[Program]
    next_offset: str | None


@dataclass(frozen=True)
class FoundBot:
    """Who has a username, when it is a bot."""

    id: BotId
    username: str
    title: str


@dataclass(frozen=True)
class Invite:
    """What an invite link leads to."""

    channel_id: int | None
    """Set when the account is in that channel already; to strangers Telegram does not say which one it is."""
    is_channel: bool
    """Whether it is a broadcast channel that one enters at once: no group, and nobody has to approve."""


@dataclass(frozen=True)
class Capabilities:
    """What Telegram lets an account do (core.telegram.org/api/config)."""

    premium: bool
    may_connect: bool | None
    """`starref_connect_allowed`; None: not set."""
    frozen: bool
    """It may read, not act (core.telegram.org/api/auth#frozen-accounts)."""


@dataclass(frozen=True)
class Heard:
    """What an account was told unasked."""

    channels: frozenset[int] | None
    """Ids of channels in which its own place changed, or may have; None: too much was missed, it may be any."""
    updates: str | None
    """Where its updates stand, to be kept for the next connection; None: not known."""


class Gateway(Protocol):
    """One account's view of Telegram.

    Every method raises Refused, FloodWait, AccountLost or NotReached. A call that acts may have happened
    even when it raised NotReached: read the present state before acting again. A FloodWait that is known already
    is raised without asking Telegram.
    """

    def knows(self, bot: BotId) -> bool:
        """Whether this account has met the bot: only then can it address it."""

    def met(self, username: str) -> BotId | None:
        """The bot this account has met under that username, which may have another one by now."""

    async def me(self) -> Me:
        """Who this account is (users.getUsers)."""

    async def capabilities(self) -> Capabilities:
        """What this account may do now (help.getAppConfig, users.getUsers)."""

    async def heard(self, now: datetime) -> Heard:
        """What it was told since it was asked last; at first, and every quarter of an hour, what it missed as well.

        updates.getDifference, as core.telegram.org/api/updates has it; only `updateChannel` is of interest.
        """

    async def own_bots(self) -> list[FoundBot]:
        """The bots this account owns (bots.getAdminedBots)."""

    async def own_channels(self) -> list[OwnChannel]:
        """Channels the account may post in (messages.getDialogs)."""

    async def posting_admins(self, channel_id: int) -> set[int]:
        """User ids of the creator and of the admins with post_messages, the account itself included.

        channels.getParticipants with channelParticipantsAdmins: the account holds no access hash for a person
        and so cannot ask for one of them.
        """

    def knows_channel(self, channel_id: int) -> bool:
        """Whether this account has ever seen the channel: only then can it address it."""

    async def is_in(self, channel_id: int) -> bool:
        """Whether this account is in the channel in any role (channels.getParticipant)."""

    async def check_invite(self, invite: str) -> Invite:
        """What an invite link leads to, without going there (messages.checkChatInvite)."""

    async def import_invite(self, invite: str) -> int:
        """Come in by an invite link; the bare id of the channel (messages.importChatInvite).

        Raises Refused USER_ALREADY_PARTICIPANT, CHANNELS_TOO_MUCH, INVITE_HASH_EXPIRED and others.
        """

    async def leave_channel(self, channel_id: int) -> None:
        """Leave a channel (channels.leaveChannel); its links live on."""

    async def find_bot(self, username: str) -> FoundBot | None:
        """Who has this username, None when nobody or no bot (contacts.resolveUsername, without a referer).

        The scarcest call of all: see `actions.bots`.
        """

    async def start_bot(self, username: str) -> BotId:
        """Press Start at a bot: from then on it knows this account. Doing it again does no harm.

        As apps do where there is no parameter, by the message /start: messages.startBot takes none that is empty.
        Raises Refused USERNAME_NOT_OCCUPIED when no bot has the username.
        """

    async def link_alive(self, username: str, token: str) -> FoundBot | None:
        """Whose referral link this is, None when it is dead (contacts.resolveUsername with the token as its referer).

        As scarce as `find_bot`. Raises Refused USERNAME_NOT_OCCUPIED also where who has the username is no bot.
        """

    async def referral_prefixes(self) -> tuple[str, ...]:
        """What start parameters of referral links begin with (help.getAppConfig, starref_start_param_prefixes)."""

    async def program(self, bot: BotId) -> Program | None:
        """A bot's program, None when it offers none (users.getFullUser)."""

    async def suggested(self, sort: ProgramSort, offset: str, limit: int) -> ProgramPage:
        """Programs in one of Telegram's orders, for the account itself (payments.getSuggestedStarRefBots).

        An offset is good for the order it came with.
        """

    async def connection(self, peer: BalancePeer, bot: BotId) -> Connection | None:
        """The balance's newest link for a program, maybe a revoked one (payments.getConnectedStarRefBot)."""

    async def connections(self, peer: BalancePeer) -> list[Connection]:
        """All links of a balance, every page of them (payments.getConnectedStarRefBots)."""

    async def connect(self, peer: BalancePeer, bot: BotId) -> Connection | None:
        """Connect a balance to a program; None when Telegram answers without a record.

        payments.connectStarRefBot documents no errors: any Refused may come.
        """

    async def revoke(self, peer: BalancePeer, url: str) -> Connection | None:
        """Revoke one link (payments.editConnectedStarRefBot); raises Refused STARREF_HASH_REVOKED when it was."""
