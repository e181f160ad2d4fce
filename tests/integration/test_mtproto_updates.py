"""A Telethon client that receives updates and catches up: it hears of its own place in channels."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from telethon import errors, events, functions, types
from telethon.sessions import SQLiteSession

from sandbox.mtproto.news import CHANNEL_PTS
from sandbox.mtproto.peers import access_hash
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World, channels
from tests.sandbox_fixtures import ALICE, BOB, CAROL, NEWS, PATIENCE, PLAZA, account, log_in, telethon_client

difference = functions.updates.GetDifferenceRequest
channel_difference = functions.updates.GetChannelDifferenceRequest


class Heard:
    """The channels a client was told to look at, in order."""

    def __init__(self, client: Any) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        client.add_event_handler(self._queue.put, events.Raw(types.UpdateChannel))

    async def next(self) -> tuple[int, Any]:
        """The channel in the next update, and what came along about it."""
        async with asyncio.timeout(PATIENCE):
            update = await self._queue.get()
        [chat] = update._entities.values()
        return update.channel_id, chat

    @property
    def nothing(self) -> bool:
        """Whether no further update has come."""
        return self._queue.empty()


@asynccontextmanager
async def catching_up(server: MTProtoServer, file: Path) -> AsyncIterator[Any]:
    """A client with a session file, which keeps the state of updates; it catches up as it connects."""
    async with telethon_client(server, stored=SQLiteSession(str(file)), catch_up=True) as client:
        yield client


def rights_of(chat: Any) -> bool:
    return bool(chat.admin_rights and chat.admin_rights.post_messages)


async def test_a_connected_account_hears_of_promotion_demotion_and_its_end(server: MTProtoServer) -> None:
    world = server.world
    async with account(server, ALICE) as alice, account(server, BOB) as bob:
        heard, others = Heard(alice), Heard(bob)
        world.set_admin(PLAZA, ALICE, {"post_messages"})
        channel, chat = await heard.next()
        assert (channel, rights_of(chat)) == (PLAZA, True)
        world.set_admin(PLAZA, ALICE, ())
        channel, chat = await heard.next()
        assert (channel, rights_of(chat)) == (PLAZA, False)
        channels.remove(world, CAROL, world.channels[PLAZA], ALICE)
        channel, chat = await heard.next()
        assert (channel, isinstance(chat, types.ChannelForbidden)) == (PLAZA, True)
        await bob.get_me()
        assert others.nothing


async def test_a_difference_names_each_channel_once(server: MTProtoServer) -> None:
    world = server.world
    async with account(server, BOB) as client:
        before = await client(functions.updates.GetStateRequest())
        world.set_admin(NEWS, BOB, ())
        channels.join(world, BOB, world.channels[PLAZA])
        world.set_admin(NEWS, BOB, {"edit_messages"})
        missed = await client(difference(before.pts, before.date, 0))
        assert [one.channel_id for one in missed.other_updates] == [NEWS, PLAZA]
        assert [(one.id, one.left) for one in missed.chats] == [(NEWS, False), (PLAZA, False)]
        assert missed.state.pts == before.pts + 3


async def test_a_client_catches_up_by_itself(server: MTProtoServer, tmp_path: Path) -> None:
    world, file = server.world, tmp_path / "bob"
    async with catching_up(server, file) as client:
        await log_in(client, world.people[BOB])
    world.set_admin(NEWS, BOB, {"edit_messages"})
    async with catching_up(server, file) as client:
        heard = Heard(client)
        channel, chat = await heard.next()
        assert (channel, rights_of(chat), chat.admin_rights.edit_messages) == (NEWS, False, True)
    async with catching_up(server, file) as client:
        heard = Heard(client)
        world.set_admin(PLAZA, BOB, {"post_messages"})
        assert (await heard.next())[0] == PLAZA, "what was caught up on before does not come again"


async def test_who_declines_updates_gets_none(server: MTProtoServer) -> None:
    async with account(server, ALICE, receive_updates=False) as deaf, account(server, ALICE) as hearing:
        silent, heard = Heard(deaf), Heard(hearing)
        server.world.set_admin(PLAZA, ALICE, {"post_messages"})
        await heard.next()
        assert silent.nothing


async def test_a_state_the_server_never_gave_is_refused(server: MTProtoServer) -> None:
    world = server.world
    async with account(server, BOB) as client:
        now = await client(functions.updates.GetStateRequest())
        news = types.InputChannel(NEWS, access_hash(world, BOB, NEWS))
        everything = types.ChannelMessagesFilterEmpty()
        for pts, refusal in (
            (0, errors.PersistentTimestampEmptyError),
            (-1, errors.PersistentTimestampInvalidError),
            (now.pts + 1, errors.PersistentTimestampInvalidError),
        ):
            with pytest.raises(refusal):
                await client(difference(pts=pts, date=now.date, qts=0))
            with pytest.raises(refusal):
                await client(channel_difference(news, everything, pts=pts, limit=100))
        assert isinstance(await client(difference(now.pts, now.date, 0)), types.updates.DifferenceEmpty)
        nothing = await client(channel_difference(news, everything, pts=CHANNEL_PTS, limit=100))
        assert isinstance(nothing, types.updates.ChannelDifferenceEmpty)
        world.set_admin(NEWS, BOB, {"edit_messages"})
        world.set_admin(NEWS, BOB, {"post_messages"})
        too_long = await client(difference(now.pts, now.date, 0, pts_total_limit=1))
        assert (type(too_long), too_long.pts) == (types.updates.DifferenceTooLong, now.pts + 2)


async def test_who_is_out_of_a_channel_gets_no_difference_of_it(server: MTProtoServer, world: World) -> None:
    async with account(server, BOB) as client:
        news = types.InputChannel(NEWS, access_hash(world, BOB, NEWS))
        channels.remove(world, ALICE, world.channels[NEWS], BOB)
        with pytest.raises(errors.ChannelPrivateError):
            await client(channel_difference(news, types.ChannelMessagesFilterEmpty(), pts=CHANNEL_PTS, limit=100))
