"""The gateway over Telethon. All of Telethon's traps are kept in this folder."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from telethon import types, utils
from telethon.tl import functions

from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.protocol.replies import Program
from mtproto_bridge.protocol.requests import ProgramSort
from mtproto_bridge.store.accounts import KnownPeer
from mtproto_bridge.telegram.connecting import CALL_SECONDS
from mtproto_bridge.telegram.errors import method_of, translated
from mtproto_bridge.telegram.floods import Floods
from mtproto_bridge.telegram.gateway import (
    NOBODY,
    BalancePeer,
    Capabilities,
    Connection,
    FoundBot,
    Heard,
    Invite,
    Me,
    OwnChannel,
    ProgramPage,
    Refused,
)
from mtproto_bridge.telegram.sessions import BridgeSession, username_of

NANOS = 1_000_000_000
LIST_PAGE = 100
MOST_ADMINS = 200
DIALOGS = "messages.getDialogs"
DIALOGS_SECONDS = 300.0
"""Reading all dialogs is many calls."""
OUTSIDE = ("USER_NOT_PARTICIPANT", "CHANNEL_PRIVATE", "CHANNEL_INVALID")
DEAD_LINK = "STARREF_EXPIRED"

KeepPeers = Callable[[Sequence[KnownPeer]], Awaitable[None]]


class TelethonGateway:
    """One connected account (see `gateway.Gateway` for what each method promises)."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - Telethon is untyped
        session: BridgeSession,
        keep_peers: KeepPeers,
        floods: Floods,
    ) -> None:
        self._client = client
        self._session = session
        self._keep_peers = keep_peers
        self._floods = floods

    @property
    def is_connected(self) -> bool:
        """Whether it can be used; once its connection breaks, it never can again."""
        return bool(self._client.is_connected())

    async def close(self) -> None:
        """Disconnect."""
        await self._client.disconnect()

    # -- calling --------------------------------------------------------------------------------------------

    async def _call(self, request: Any) -> Any:  # noqa: ANN401 - Telethon's requests and answers
        return await self._guarded(method_of(request), lambda: self._client(request))

    async def _guarded(self, method: str, call: Callable[[], Awaitable[Any]], *, seconds: float = CALL_SECONDS) -> Any:  # noqa: ANN401
        with self._floods.watch(method), translated():
            try:
                async with asyncio.timeout(seconds):
                    answer = await call()
            finally:  # Telethon would refuse by itself what was flooded: who waits is decided by us
                self._client._flood_waited_requests.clear()  # noqa: SLF001
        await self._keep_learned()
        return answer

    async def _meet(self, *, users: Sequence[Any] = (), chats: Sequence[Any] = ()) -> None:
        """Learn the access hashes in a part of an answer where Telethon does not look for them."""
        self._session.process_entities(types.contacts.Found([], [], list(chats), list(users)))
        await self._keep_learned()

    async def _keep_learned(self) -> None:
        learned = self._session.take_learned()
        if learned:
            await self._keep_peers(learned)

    def knows(self, bot: BotId) -> bool:
        """Whether this account has met the bot."""
        return self._session.hash_of(bot) is not None

    def met(self, username: str) -> BotId | None:
        """The bot this account has met under that username."""
        return self._session.bot_named(username)

    # -- addressing -----------------------------------------------------------------------------------------

    def _bot(self, bot: BotId) -> Any:  # noqa: ANN401
        access_hash = self._session.hash_of(bot)
        if access_hash is None:
            raise Refused(400, "USERNAME_NOT_OCCUPIED")
        return types.InputUser(bot, access_hash)

    def knows_channel(self, channel_id: int) -> bool:
        """Whether this account has ever seen the channel."""
        return self._session.hash_of(_marked(channel_id)) is not None

    async def _channel(self, channel_id: int) -> Any:  # noqa: ANN401
        if not self.knows_channel(channel_id):
            await self.own_channels()
        access_hash = self._session.hash_of(_marked(channel_id))
        if access_hash is None:
            raise Refused(400, "CHANNEL_PRIVATE")
        return types.InputChannel(channel_id, access_hash)

    async def _peer(self, peer: BalancePeer) -> Any:  # noqa: ANN401
        if peer.kind == "account":
            return types.InputPeerSelf()
        if peer.kind == "bot":
            bot = self._bot(BotId(peer.peer_id))
            return types.InputPeerUser(bot.user_id, bot.access_hash)
        channel = await self._channel(peer.peer_id)
        return types.InputPeerChannel(channel.channel_id, channel.access_hash)

    # -- people, channels, bots -----------------------------------------------------------------------------

    async def me(self) -> Me:
        """Who this account is."""
        (user,) = await self._call(functions.users.GetUsersRequest([types.InputUserSelf()]))
        return Me(AccountId(user.id), utils.get_display_name(user), username_of(user), bool(user.bot))

    async def _app_config(self) -> dict[str, Any]:
        """Telegram's settings for this account (core.telegram.org/api/config#client-configuration)."""
        answer = await self._call(functions.help.GetAppConfigRequest(hash=0))
        return {one.key: getattr(one.value, "value", None) for one in answer.config.value}

    async def capabilities(self) -> Capabilities:
        """What this account may do now."""
        config = await self._app_config()
        (user,) = await self._call(functions.users.GetUsersRequest([types.InputUserSelf()]))
        return Capabilities(
            bool(user.premium), config.get("starref_connect_allowed"), bool(config.get("freeze_since_date"))
        )

    async def own_bots(self) -> list[FoundBot]:
        """The bots this account owns."""
        bots = await self._call(functions.bots.GetAdminedBotsRequest())
        await self._meet(users=bots)
        return [FoundBot(BotId(one.id), username_of(one) or "", utils.get_display_name(one)) for one in bots]

    async def heard(self, now: datetime) -> Heard:
        """What it was told since it was asked last."""
        hearing = self._session.hearing
        question = hearing.question(now)
        if question:
            try:
                hearing.take_answer(await self._call(question), now)
            except Refused as refused:
                if not refused.message.startswith("PERSISTENT_TIMESTAMP_"):
                    raise
                hearing.lose_track()
        return hearing.take()

    async def own_channels(self) -> list[OwnChannel]:
        """Channels the account may post in."""
        dialogs = await self._guarded(
            DIALOGS,
            lambda: self._client.get_dialogs(limit=None, ignore_migrated=True),
            seconds=DIALOGS_SECONDS,
        )
        await self._meet(chats=[one.entity for one in dialogs])
        channels = (one.entity for one in dialogs if isinstance(one.entity, types.Channel))
        return [OwnChannel(one.id, one.title, username_of(one)) for one in channels if _may_post(one)]

    async def posting_admins(self, channel_id: int) -> set[int]:
        """User ids of the creator and of the admins with post_messages."""
        answer = await self._call(
            functions.channels.GetParticipantsRequest(
                await self._channel(channel_id), types.ChannelParticipantsAdmins(), 0, MOST_ADMINS, hash=0
            )
        )
        return {one.user_id for one in answer.participants if _is_posting_admin(one)}

    async def is_in(self, channel_id: int) -> bool:
        """Whether this account is in the channel."""
        try:
            me = types.InputPeerSelf()
            await self._call(functions.channels.GetParticipantRequest(await self._channel(channel_id), me))
        except Refused as refused:
            if refused.message in OUTSIDE:
                return False
            raise
        return True

    async def check_invite(self, invite: str) -> Invite:
        """What an invite link leads to."""
        seen = await self._call(functions.messages.CheckChatInviteRequest(_hash_in(invite)))
        if isinstance(seen, types.ChatInvite):
            return Invite(None, bool(seen.broadcast and not seen.request_needed and not seen.subscription_pricing))
        await self._meet(chats=[seen.chat])
        inside = isinstance(seen, types.ChatInviteAlready)  # else a peek: a public group, seen from outside
        return Invite(seen.chat.id if inside else None, bool(getattr(seen.chat, "broadcast", False)))

    async def import_invite(self, invite: str) -> int:
        """Come in by an invite link."""
        came = await self._call(functions.messages.ImportChatInviteRequest(_hash_in(invite)))
        if not isinstance(came, types.messages.ChatInviteJoinResultOk):  # a bot is to be asked first
            raise Refused(400, "INVITE_REQUEST_SENT")
        await self._meet(chats=came.updates.chats)
        (channel,) = came.updates.chats
        return int(channel.id)

    async def leave_channel(self, channel_id: int) -> None:
        """Leave a channel."""
        await self._call(functions.channels.LeaveChannelRequest(await self._channel(channel_id)))

    async def find_bot(self, username: str) -> FoundBot | None:
        """Who has this username, None when nobody or no bot."""
        try:
            found = await self._call(functions.contacts.ResolveUsernameRequest(username))
        except Refused as refused:
            if refused.message in NOBODY:
                return None
            raise
        return _found_bot(found, username)

    async def link_alive(self, username: str, token: str) -> FoundBot | None:
        """Whose referral link this is, None when it is dead."""
        try:
            found = await self._call(functions.contacts.ResolveUsernameRequest(username, referer=token))
        except Refused as refused:
            if refused.message == DEAD_LINK:
                return None
            raise
        bot = _found_bot(found, username)
        if bot is None:
            raise Refused(400, NOBODY[0])
        return bot

    async def start_bot(self, username: str) -> BotId:
        """Press Start at a bot."""
        bot = self.met(username)
        if bot is None:
            found = await self.find_bot(username)
            if found is None:
                raise Refused(400, "USERNAME_NOT_OCCUPIED")
            bot = found.id
        await self._call(functions.messages.SendMessageRequest(await self._peer(BalancePeer("bot", bot)), "/start"))
        return bot

    async def referral_prefixes(self) -> tuple[str, ...]:
        """What start parameters of referral links begin with."""
        listed = (await self._app_config()).get("starref_start_param_prefixes") or ()
        return tuple(one.value for one in listed if one.value)

    # -- programs -------------------------------------------------------------------------------------------

    async def program(self, bot: BotId) -> Program | None:
        """A bot's program, None when it offers none."""
        full = await self._call(functions.users.GetFullUserRequest(self._bot(bot)))
        offered = full.full_user.starref_program
        return _program(offered, _by_id(full.users)) if offered else None

    async def suggested(self, sort: ProgramSort, offset: str, limit: int) -> ProgramPage:
        """Programs in one of Telegram's orders, for the account itself."""
        request = functions.payments.GetSuggestedStarRefBotsRequest(
            types.InputPeerSelf(),
            offset=offset,
            limit=limit,
            order_by_revenue=sort == "revenue" or None,
            order_by_date=sort == "date" or None,
        )
        answer = await self._call(request)
        users = _by_id(answer.users)
        return ProgramPage(
            [_program(one, users) for one in answer.suggested_bots if one.bot_id in users], answer.next_offset or None
        )

    # -- connections ----------------------------------------------------------------------------------------

    async def connection(self, peer: BalancePeer, bot: BotId) -> Connection | None:
        """The balance's newest link for a program, maybe a revoked one."""
        request = functions.payments.GetConnectedStarRefBotRequest(await self._peer(peer), self._bot(bot))
        return _first(await self._call(request))

    async def connections(self, peer: BalancePeer) -> list[Connection]:
        """All links of a balance, every page of them."""
        target = await self._peer(peer)
        found: dict[str, Connection] = {}
        # Both or neither: they share one flag, and 0 with '' would be sent as an offset.
        offset_date: datetime | None = None
        offset_link: str | None = None
        while True:
            answer = await self._call(
                functions.payments.GetConnectedStarRefBotsRequest(
                    target, limit=LIST_PAGE, offset_date=offset_date, offset_link=offset_link
                )
            )
            page = [one for one in _connections(answer) if one.url not in found]
            if not page:
                return list(found.values())
            found.update({one.url: one for one in page})
            offset_date, offset_link = page[-1].date, page[-1].url

    async def connect(self, peer: BalancePeer, bot: BotId) -> Connection | None:
        """Connect a balance to a program; None when Telegram answers without a record."""
        request = functions.payments.ConnectStarRefBotRequest(await self._peer(peer), self._bot(bot))
        return _first(await self._call(request))

    async def revoke(self, peer: BalancePeer, url: str) -> Connection | None:
        """Revoke one link."""
        request = functions.payments.EditConnectedStarRefBotRequest(await self._peer(peer), url, revoked=True)
        return _first(await self._call(request))


def _marked(channel_id: int) -> int:
    return int(utils.get_peer_id(types.PeerChannel(channel_id)))


def _hash_in(invite: str) -> str:
    """What follows the plus of an invite link."""
    return invite.rpartition("/")[2].removeprefix("+")


def _found_bot(found: Any, username: str) -> FoundBot | None:  # noqa: ANN401
    user_id = getattr(found.peer, "user_id", None)
    bot = next((one for one in found.users if one.id == user_id and one.bot), None)
    return FoundBot(BotId(bot.id), username_of(bot) or username, utils.get_display_name(bot)) if bot else None


def _by_id(users: Sequence[Any]) -> dict[int, Any]:
    return {one.id: one for one in users}


def _may_post(channel: Any) -> bool:  # noqa: ANN401
    rights = channel.admin_rights
    return bool(channel.broadcast and not channel.left and (channel.creator or (rights and rights.post_messages)))


def _is_posting_admin(participant: Any) -> bool:  # noqa: ANN401
    if isinstance(participant, types.ChannelParticipantCreator):
        return True
    return isinstance(participant, types.ChannelParticipantAdmin) and bool(participant.admin_rights.post_messages)


def _program(offered: Any, users: dict[int, Any]) -> Program:  # noqa: ANN401
    bot = users[offered.bot_id]
    daily = offered.daily_revenue_per_user
    return Program(
        bot_id=BotId(offered.bot_id),
        username=username_of(bot) or "",
        title=utils.get_display_name(bot),
        commission_permille=offered.commission_permille,
        duration_months=offered.duration_months or None,
        end_date=offered.end_date,
        daily_revenue_nanos=daily.amount * NANOS + daily.nanos if isinstance(daily, types.StarsAmount) else None,
    )


def _connections(answer: Any) -> list[Connection]:  # noqa: ANN401
    users = _by_id(answer.users)
    return [_connection(one, users.get(one.bot_id)) for one in answer.connected_bots]


def _first(answer: Any) -> Connection | None:  # noqa: ANN401
    return next(iter(_connections(answer)), None)


def _connection(record: Any, bot: Any | None) -> Connection:  # noqa: ANN401
    return Connection(
        bot_id=BotId(record.bot_id),
        bot_username=(username_of(bot) if bot else None) or "",
        bot_title=utils.get_display_name(bot) if bot else "",
        url=record.url,
        date=record.date,
        commission_permille=record.commission_permille,
        duration_months=record.duration_months or None,
        participants=record.participants,
        revenue=record.revenue,
        revoked=bool(record.revoked),
    )
