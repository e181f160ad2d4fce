"""The World: everyone in it, its clock, its switches; the rules are in the modules beside it."""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.world.clock import Clock
from sandbox.world.errors import TelegramError, bad_request
from sandbox.world.faults import Faults
from sandbox.world.model import (
    AdminRight,
    Bot,
    Channel,
    InviteLink,
    MemberChange,
    Person,
    Referral,
    ReferralLink,
    Sale,
)
from sandbox.world.switches import Switches


@dataclass(frozen=True)
class AppConfig:
    """The `help.getAppConfig` keys of affiliate programs (core.telegram.org/api/config)."""

    min_commission_permille: int = 1
    max_commission_permille: int = 800
    start_prefixes: tuple[str, ...] = ("_tgr_",)
    program_allowed: bool = True


@dataclass
class World:
    """All facts of one sandbox. Mutable on purpose: it is the Telegram of one test or one demo."""

    api_id: int = 4242
    api_hash: str = "0123456789abcdef0123456789abcdef"
    clock: Clock = field(default_factory=Clock)
    switches: Switches = field(default_factory=Switches)
    config: AppConfig = field(default_factory=AppConfig)
    seed: int = 1
    """From it come access hashes and link tokens, so that two runs of one world are alike."""
    people: dict[int, Person] = field(default_factory=dict)
    bots: dict[int, Bot] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    links: list[ReferralLink] = field(default_factory=list)
    referrals: dict[tuple[int, int], Referral] = field(default_factory=dict)
    """By (bot, person): who brought whom."""
    sales: list[Sale] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    on_logout: list[Callable[[int], None]] = field(default_factory=list)
    """Called with an account's id when all its sessions are ended from outside."""
    on_member_change: list[Callable[[MemberChange], None]] = field(default_factory=list)
    """Called when somebody's place in a channel has changed, whoever changed it by whatever face."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - a repeatable world, not a secret

    # -- who there is ---------------------------------------------------------------------------------------

    def add(self, *things: Person | Bot | Channel) -> None:
        """Put people, bots and channels into the world; ids and usernames must be free."""
        for thing in things:
            if self.find(thing.id) or (thing.username and self.by_username(thing.username)):
                msg = f"id {thing.id} or username {thing.username} is taken"
                raise ValueError(msg)
            match thing:
                case Person():
                    self.people[thing.id] = thing
                case Bot():
                    self.bots[thing.id] = thing
                case Channel():
                    thing.created = thing.created or self.clock.now()
                    self.channels[thing.id] = thing

    def find(self, peer_id: int) -> Person | Bot | Channel | None:
        """Whoever has this id; ids are unique over people, bots and channels here."""
        return self.people.get(peer_id) or self.bots.get(peer_id) or self.channels.get(peer_id)

    def by_username(self, username: str) -> Person | Bot | Channel | None:
        """Usernames are case-insensitive; an account that was banned or deleted has none any more."""
        wanted = username.lower()
        return next((one for one in self._everyone() if one.username and one.username.lower() == wanted), None)

    def by_phone(self, phone: str) -> Person | None:
        """The person with this number, written with or without its plus; a deleted account has none."""
        digits = "".join(filter(str.isdigit, phone))
        there = (one for one in self.people.values() if one.phone and one.deactivated != "deleted")
        return next((one for one in there if one.phone and one.phone.lstrip("+") == digits), None)

    def _everyone(self) -> Iterable[Person | Bot | Channel]:
        yield from (one for one in self.people.values() if not one.deactivated)
        yield from self.bots.values()
        yield from self.channels.values()

    # -- channels -------------------------------------------------------------------------------------------

    def channels_of(self, account_id: int) -> list[Channel]:
        """The channels an account is in, by id."""
        return [c for _, c in sorted(self.channels.items()) if c.is_member(account_id)]

    @contextmanager
    def changing(
        self, channel: Channel, user_id: int, actor_id: int, invite: InviteLink | None = None
    ) -> Iterator[None]:
        """Whoever listens is told what the block has made of a user's place in the channel."""
        before = channel.membership(user_id)
        yield
        after = channel.membership(user_id)
        if after == before:
            return
        if after.inside:
            channel.former.discard(user_id)
        else:
            channel.former.add(user_id)
        change = MemberChange(channel, user_id, actor_id, self.clock.now(), before, after, invite)
        for tell in self.on_member_change:
            tell(change)

    def set_admin(self, channel_id: int, user_id: int, rights: Iterable[AdminRight], *, by: int | None = None) -> None:
        """Give a user these rights and no others, asking nobody; `by` is the creator unless told.

        No rights makes a person a plain subscriber, and puts a bot out.
        """
        channel = self.channels[channel_id]
        actor_id = channel.creator_id if by is None else by
        given = set(rights)
        with self.changing(channel, user_id, actor_id):
            if given:
                promoter = (
                    channel.promoted_by.get(user_id, channel.creator_id) if user_id in channel.admins else actor_id
                )
                channel.admins[user_id], channel.promoted_by[user_id] = given, promoter
                channel.members.discard(user_id)
                channel.banned.discard(user_id)
                return
            channel.admins.pop(user_id, None)
            channel.promoted_by.pop(user_id, None)
            if user_id not in self.bots:
                channel.members.add(user_id)
            elif self.switches.demoted_bot == "kicked":
                channel.banned.add(user_id)

    def require_controlled(self, account_id: int, balance_id: int, *, code: int = 400) -> None:
        """Refuse a balance this account does not control (core.telegram.org/api/bots/referrals).

        It controls itself, the bots it owns, and channels where it may post.

        Raises:
            TelegramError: PEER_ID_INVALID, or CHAT_ADMIN_REQUIRED for a channel it is in without the right.
        """
        if balance_id == account_id:
            return
        bot = self.bots.get(balance_id)
        if bot and bot.owner_id == account_id:
            return
        channel = self.channels.get(balance_id)
        if channel is None or not channel.is_member(account_id):
            raise TelegramError(code, "PEER_ID_INVALID")
        owner_needed = not self.switches.non_owner_admin_connects
        if not channel.has_right(account_id, "post_messages") or (owner_needed and channel.creator_id != account_id):
            raise bad_request("CHAT_ADMIN_REQUIRED")

    def end_sessions(self, account_id: int) -> None:
        """Log an account out everywhere, as its owner can from another device."""
        for tell in self.on_logout:
            tell(account_id)
