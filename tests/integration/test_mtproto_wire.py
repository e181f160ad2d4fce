"""The sandbox under real Telethon: transports, sessions, messages about messages."""

import asyncio
import random
import struct
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from telethon import errors, functions, types
from telethon.crypto import Factorization
from telethon.network import (
    ConnectionTcpAbridged,
    ConnectionTcpFull,
    ConnectionTcpIntermediate,
    ConnectionTcpObfuscated,
)
from telethon.network.connection.connection import Connection
from telethon.network.connection.tcpintermediate import RandomizedIntermediatePacketCodec
from telethon.tl.core import GzipPacked

from sandbox.mtproto.server import MTProtoServer
from sandbox.world import Channel, World
from sandbox.world.faults import Fault
from tests.sandbox_fixtures import ALICE, BOB, account, mtproto_server, telethon_client


class PaddedIntermediate(Connection):  # type: ignore[misc]  # Telethon is untyped
    """Telethon has the codec, but only for its proxies."""

    packet_codec = RandomizedIntermediatePacketCodec

    def _init_conn(self) -> None:
        self._writer.write(b"\xdd\xdd\xdd\xdd")


TRANSPORTS = (
    ConnectionTcpAbridged,
    ConnectionTcpIntermediate,
    ConnectionTcpFull,
    ConnectionTcpObfuscated,
    PaddedIntermediate,
)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_telethon_logs_in_over_every_transport(server: MTProtoServer, transport: Any) -> None:
    async with account(server, ALICE, connection=transport) as client:
        assert (await client.get_me()).id == ALICE


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_every_transport_carries_long_packets_both_ways(server: MTProtoServer, transport: Any) -> None:
    for number in range(120):
        server.world.add(Channel(90_000 + number, random.Random(number).randbytes(60).hex(), ALICE))  # noqa: S311
    async with account(server, ALICE, connection=transport) as client:
        dialogs = await client.get_dialogs()
        assert len(dialogs) == 122
        everyone = [types.InputUser(number, number) for number in range(500)]
        assert await client(functions.users.GetUsersRequest(everyone)) == []


async def test_a_stored_key_resumes_without_logging_in_again(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        stored = client.session.save()
    async with telethon_client(server, session=stored) as client:
        assert (await client.get_me()).id == ALICE
    assert server.calls["auth.signIn"] == 1


async def test_keys_and_logins_survive_a_new_listener(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        stored = client.session.save()
    await server.stop()
    await server.start()
    async with telethon_client(server, session=stored) as client:
        assert (await client.get_me()).id == ALICE


async def test_a_key_the_server_never_made_is_answered_with_404(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        stored = client.session.save()
    for authorization in list(server.authorizations):
        server.authorizations.forget(authorization)
    with pytest.raises(errors.AuthKeyNotFound):
        async with telethon_client(server, session=stored):
            pass


async def test_a_hundred_and_fifty_requests_at_once_travel_in_containers(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        many = [client(functions.users.GetUsersRequest([types.InputUserSelf()])) for _ in range(150)]
        answers = await asyncio.gather(*many)
    assert [answer[0].id for answer in answers] == [ALICE] * 150


async def test_big_answers_come_packed_and_small_ones_do_not(
    server: MTProtoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = []

    def from_reader(reader: Any) -> Any:
        packed.append(unpack(reader))
        return packed[-1]

    unpack = GzipPacked.from_reader
    monkeypatch.setattr(GzipPacked, "from_reader", from_reader)
    async with account(server, ALICE) as client:
        packed.clear()
        await client(functions.users.GetUsersRequest([types.InputUserSelf()]))
        assert packed == []
        await client(functions.users.GetUsersRequest([types.InputUserSelf()] * 100))
        assert len(packed) == 1


async def test_a_client_whose_salt_is_no_good_any_more_is_given_a_new_one(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        for authorization in server.authorizations:
            authorization.salts.expire()
        before = client._sender._state.salt
        assert (await client.get_me()).id == ALICE
        assert client._sender._state.salt != before


async def test_a_made_up_salt_is_refused_and_the_request_carried_out_once(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        client._sender._state.salt ^= 1
        await client(functions.help.GetNearestDcRequest())
    assert server.calls["help.getNearestDc"] == 1


@pytest.mark.parametrize("seconds_off", [-4000, 4000])
async def test_a_client_with_a_wrong_clock_is_told_and_corrects_it(server: MTProtoServer, seconds_off: int) -> None:
    async with account(server, ALICE) as client:
        state = client._sender._state
        state.time_offset, state._last_msg_id = seconds_off, 0
        assert (await client.get_me()).id == ALICE
        assert abs(state.time_offset) <= 1


async def test_the_worlds_clock_does_not_reach_the_wire(server: MTProtoServer) -> None:
    server.world.clock.move(timedelta(days=400))
    async with account(server, ALICE) as client:
        assert client._sender._state.time_offset == 0


async def send_raw(client: Any, request: Any, *, times: int = 1, odd_id: bool = False) -> int:
    """Send one message as it is, possibly several times; returns its id."""
    state = client._sender._state
    buffer = BytesIO()
    msg_id = int(state.write_data_as_message(buffer, bytes(request), content_related=True))
    data = buffer.getvalue()
    if odd_id:
        data = struct.pack("<q", msg_id | 1) + data[8:]
    for _ in range(times):
        await client._sender._connection.send(state.encrypt_message_data(data))
    return msg_id


async def test_a_message_that_comes_twice_is_carried_out_once(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        await send_raw(client, functions.help.GetNearestDcRequest(), times=3)
        await client.get_me()
    assert server.calls["help.getNearestDc"] == 1


async def test_a_message_id_no_client_may_use_is_not_carried_out(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        await send_raw(client, functions.help.GetNearestDcRequest(), odd_id=True)
        await client.get_me()
    assert server.calls["help.getNearestDc"] == 0


async def test_service_messages_are_answered(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        msg_id = await send_raw(client, functions.help.GetNearestDcRequest())
        heard = hear(client, types.MsgsStateInfo, types.DestroySessionNone, types.Pong)
        await send_raw(client, functions.PingDelayDisconnectRequest(7, 75))
        await send_raw(client, types.MsgsStateReq([msg_id, msg_id - 4]))
        await send_raw(client, functions.DestroySessionRequest(5))
        await client.get_me()
        pong, state, gone = heard
        assert pong.ping_id == 7
        assert state.info == "\x04\x01"
        assert gone.session_id == 5


def hear(client: Any, *kinds: Any) -> list[Any]:
    """Collect the service messages of these kinds that the client gets."""
    heard: list[Any] = []

    async def collect(message: Any) -> None:
        heard.append(message.obj)

    for kind in kinds:
        client._sender._handlers[kind.CONSTRUCTOR_ID] = collect
    return heard


async def test_a_dropped_connection_is_taken_up_again_and_the_request_repeated(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        server.world.faults.set(Fault("drop", "help.getNearestDc", after=True))
        assert (await client(functions.help.GetNearestDcRequest())).this_dc == 2
    assert server.calls["help.getNearestDc"] == 2


async def test_a_delayed_answer_holds_up_no_other(server: MTProtoServer) -> None:
    over = asyncio.Event()
    waits = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await over.wait()

    server.sleep = sleep
    server.world.faults.set(Fault("delay", "help.getNearestDc", seconds=9))
    async with account(server, ALICE) as client:
        slow = asyncio.create_task(client(functions.help.GetNearestDcRequest()))
        while not waits:
            await client.get_me()
        assert not slow.done()
        over.set()
        assert (await slow).this_dc == 2
    assert waits == [9]


async def test_a_scripted_flood_reaches_only_its_method_and_account(server: MTProtoServer) -> None:
    world = server.world
    async with account(server, ALICE) as alice, account(server, BOB) as bob:
        world.faults.set(Fault("flood_wait", "help.getNearestDc", account_id=ALICE, seconds=77))
        await bob(functions.help.GetNearestDcRequest())
        await alice.get_me()
        with pytest.raises(errors.FloodWaitError) as flood:
            await alice(functions.help.GetNearestDcRequest())
        assert flood.value.seconds == 77


async def test_a_scripted_error_is_answered_as_it_is_written(server: MTProtoServer) -> None:
    server.world.faults.set(Fault("error", "help.getNearestDc", code=400, message="STARREF_SURPRISE"))
    async with account(server, ALICE) as client:
        with pytest.raises(errors.BadRequestError, match="STARREF_SURPRISE"):
            await client(functions.help.GetNearestDcRequest())


async def test_a_method_the_sandbox_lacks_is_counted_and_fails_the_test_that_met_it(world: World) -> None:
    async def meets_it() -> None:
        async with mtproto_server(world) as server, account(server, ALICE) as client:
            with pytest.raises(errors.BadRequestError, match="NOT_IMPLEMENTED_IN_SANDBOX"):
                await client(functions.stories.GetAllStoriesRequest())
            assert server.unimplemented == {"stories.getAllStories": 1}

    with pytest.raises(AssertionError, match=r"the sandbox lacks .*stories\.getAllStories"):
        await meets_it()


async def test_a_bug_in_a_handler_fails_the_test_that_met_it(world: World) -> None:
    async def meets_it() -> None:
        async with mtproto_server(world) as server, account(server, ALICE) as client:
            del world.people[ALICE]
            with pytest.raises(errors.RPCError, match="BUG_IN_SANDBOX"):
                await client(functions.users.GetUsersRequest([types.InputUserSelf()]))

    with pytest.raises(AssertionError, match="KeyError"):
        await meets_it()


async def test_an_unknown_constructor_is_refused_as_telegram_does(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        nonsense = functions.help.GetNearestDcRequest()
        nonsense._bytes = lambda: struct.pack("<I", 0x12345678)
        with pytest.raises(errors.BadRequestError, match="INPUT_METHOD_INVALID"):
            await client(nonsense)


async def test_bytes_that_are_no_mtproto_close_the_connection(server: MTProtoServer) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: sandbox\r\n\r\n" + bytes(64))
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 without being told")
async def test_a_key_used_from_two_places_is_dead_ever_after(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        stored = client.session.save()
        with pytest.raises(errors.AuthKeyDuplicatedError):
            async with telethon_client(server, session=stored, local_addr="127.0.0.2"):
                pass
        with pytest.raises(errors.AuthKeyDuplicatedError):
            await client(functions.help.GetNearestDcRequest())


async def test_an_update_reaches_every_session_of_its_account_and_no_other(server: MTProtoServer) -> None:
    async with account(server, ALICE) as alice, account(server, BOB) as bob:
        got: list[str] = []
        for name, client in (("alice", alice), ("bob", bob)):
            client.add_event_handler(partial(_note, got, name))
        update = types.UpdateShort(types.UpdateUserName(ALICE, "Alice", "", []), datetime.now(UTC))
        server.push(ALICE, update)
        await asyncio.gather(alice.get_me(), bob.get_me())
        while not got:
            await alice.get_me()
    assert got == ["alice"]


async def _note(got: list[str], name: str, update: Any) -> None:
    if isinstance(update, types.UpdateUserName):
        got.append(name)


async def test_the_server_refuses_to_listen_where_others_could_reach_it(world: World) -> None:
    with pytest.raises(ValueError, match="reached from outside"):
        await MTProtoServer(world).start("0.0.0.0")


async def test_a_client_that_factorizes_wrongly_may_start_over(
    server: MTProtoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    factorize = Factorization.factorize
    tries = []

    def wrong_at_first(pq: int) -> Any:
        tries.append(pq)
        return (1, pq) if len(tries) == 1 else factorize(pq)

    monkeypatch.setattr(Factorization, "factorize", wrong_at_first)
    async with account(server, ALICE) as client:
        assert (await client.get_me()).id == ALICE
    assert len(tries) > 1
