"""Leases guard Telegram: whoever is no longer owner of an account sends nothing for it, whatever happened to them."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from socket import MSG_DONTWAIT, MSG_PEEK

import pytest

from mtproto_bridge.protocol import ErrorCode
from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.protocol.requests import ShowProgram
from mtproto_bridge.store import accounts
from mtproto_bridge.telegram import accounts as pool_module
from mtproto_bridge.telegram.gateway import AccountLost, Me, NotReached
from mtproto_bridge.telegram.leased import Permit
from mtproto_bridge.telegram.telethon_gateway import TelethonGateway
from sandbox.mtproto.connection import Connection
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World
from sandbox.world.faults import Fault
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.integration.pool_fixtures import HandLease, Office, joining, office_at
from tests.sandbox_fixtures import ALICE, BOB, PATIENCE, QUIZ

ACCOUNT = AccountId(BOB)
MOMENT = 0.05
"""Long enough for what must not happen to happen."""
PROMPTLY = 5
"""Sooner than any patience runs out."""


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    async with bridge_site(server, BOB) as made:
        yield made


@pytest.fixture
async def office(site: BridgeSite) -> AsyncIterator[Office]:
    async with office_at(site) as made:
        yield made


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """Every connection that was opened to Telegram."""
    opened: list[Connection] = []
    serve = Connection.serve

    async def counted(self: Connection) -> None:
        opened.append(self)
        await serve(self)

    monkeypatch.setattr(Connection, "serve", counted)
    return opened


@pytest.fixture
def packets(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Everything that reaches Telegram, acknowledgments and pings included."""
    heard: list[bytes] = []
    receive = Connection._receive

    def listening(self: Connection, packet: bytes) -> None:
        heard.append(packet)
        receive(self, packet)

    monkeypatch.setattr(Connection, "_receive", listening)
    return heard


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - what changes it runs in this loop
            await asyncio.sleep(0.001)


def is_hung_up(server: MTProtoServer) -> bool:
    """Whether the client's end of the one connection is shut, seen without giving the loop a turn."""
    (connection,) = server.connections
    with connection._writer.get_extra_info("socket").dup() as ours:
        try:
            return bool(ours.recv(1, MSG_PEEK | MSG_DONTWAIT) == b"")
        except BlockingIOError:
            return False


async def test_nothing_is_sent_once_the_lease_is_over(
    office: Office, server: MTProtoServer, packets: list[bytes]
) -> None:
    gateway = await office.pool.gateway(ACCOUNT, office.lease)
    assert (await gateway.me()).id == BOB
    calls, sent = server.calls.total(), len(packets)
    office.lease.held = False
    async with asyncio.timeout(PROMPTLY):
        for _ in range(2):  # nor does it connect anew by itself
            with pytest.raises(NotReached):
                await gateway.me()
    await until(lambda: not server.connections)
    await asyncio.sleep(MOMENT)
    assert (server.calls.total(), len(packets)) == (calls, sent)


async def test_an_acknowledgment_or_ping_that_comes_too_late_is_not_sent_either(
    office: Office, server: MTProtoServer, packets: list[bytes]
) -> None:
    gateway = await office.pool.gateway(ACCOUNT, office.lease)
    await gateway.me()
    sent = len(packets)
    office.lease.held = False
    gateway._client._sender._keepalive_ping(1)  # what Telethon does every minute
    await until(lambda: not server.connections)
    assert len(packets) == sent


async def test_who_is_hung_up_on_does_not_come_back_without_a_lease(
    office: Office, server: MTProtoServer, packets: list[bytes]
) -> None:
    gateway = await office.pool.gateway(ACCOUNT, office.lease)
    await gateway.me()
    sent = len(packets)
    office.lease.held = False
    server.drop_connections()
    await until(lambda: not gateway.is_connected)
    with pytest.raises(NotReached):
        await office.pool.gateway(ACCOUNT, office.lease)
    await asyncio.sleep(MOMENT)
    assert (server.connections, len(packets)) == ([], sent)


async def test_a_call_that_waits_for_its_answer_is_not_sent_again(
    office: Office, server: MTProtoServer, world: World
) -> None:
    gateway = await office.pool.gateway(ACCOUNT, office.lease)
    world.faults.set(Fault("drop", "users.getUsers", after=True))
    with pytest.raises(NotReached):
        await gateway.me()
    asked = server.calls["users.getUsers"]
    await asyncio.sleep(MOMENT)
    assert server.calls["users.getUsers"] == asked
    assert not gateway.is_connected


async def test_an_action_whose_lease_ended_is_not_tried_again(
    office: Office, server: MTProtoServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.browse(BOB, ALICE)
    news = await office.balance(ALICE, "News")
    asked = server.calls.total()
    admins = TelethonGateway.posting_admins

    async def stopped_meanwhile(self: TelethonGateway, channel_id: int) -> set[int]:
        found = await admins(self, channel_id)
        office.lease.held = False
        return found

    monkeypatch.setattr(TelethonGateway, "posting_admins", stopped_meanwhile)
    failure = await office.failed(BOB, ALICE, joining(news, QUIZ))
    assert failure.code == ErrorCode.NO_ANSWER
    assert server.calls.total() == asked + 3, "what is asked together with the administrators, and nothing after that"
    assert world.links == []


async def test_a_lease_that_is_over_connects_nothing(office: Office, accepted: list[Connection]) -> None:
    connecting = asyncio.create_task(office.pool.gateway(ACCOUNT, office.lease))
    await asyncio.sleep(0)  # it begins
    office.lease.held = False
    async with asyncio.timeout(PROMPTLY):
        with pytest.raises(NotReached):
            await connecting
        with pytest.raises(NotReached):
            await office.pool.gateway(ACCOUNT, office.lease)
    assert accepted == []


async def test_a_lease_that_ends_while_connecting_says_nothing_to_telegram(
    office: Office, server: MTProtoServer, packets: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    attach = Permit.attach

    def ended(self: Permit, transport: asyncio.BaseTransport) -> None:
        attach(self, transport)
        office.lease.held = False

    monkeypatch.setattr(Permit, "attach", ended)
    with pytest.raises(NotReached):
        await office.pool.gateway(ACCOUNT, office.lease)
    assert packets == []
    await until(lambda: not server.connections)


async def test_a_thread_cuts_an_account_off_while_the_loop_stalls(office: Office, server: MTProtoServer) -> None:
    gateway = await office.pool.gateway(ACCOUNT, office.lease)
    await gateway.me()
    await asyncio.sleep(MOMENT)  # the server has read everything
    assert not is_hung_up(server)
    watchdog = threading.Timer(0.05, office.actions.cut, [ACCOUNT])
    watchdog.start()
    time.sleep(0.2)  # noqa: ASYNC251 - the loop stalls
    assert is_hung_up(server), "before the loop had a turn"
    watchdog.join()
    with pytest.raises(NotReached):
        await gateway.me()
    await until(lambda: not server.connections)


async def test_what_is_cut_while_it_connects_is_closed(
    office: Office, server: MTProtoServer, packets: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    attach = Permit.attach

    def cut_first(self: Permit, transport: asyncio.BaseTransport) -> None:
        threading.Thread(target=office.pool.cut, args=[ACCOUNT]).start()
        time.sleep(0.05)
        attach(self, transport)

    monkeypatch.setattr(Permit, "attach", cut_first)
    with pytest.raises(NotReached):
        await office.pool.gateway(ACCOUNT, office.lease)
    assert packets == []
    await until(lambda: not server.connections)


async def test_cutting_what_is_not_connected_does_nothing(office: Office) -> None:
    office.pool.cut(ACCOUNT)
    await office.pool.gateway(ACCOUNT, office.lease)
    await office.pool.let_go(ACCOUNT)
    office.pool.cut(ACCOUNT)
    assert await office.pool.gateway(ACCOUNT, office.lease)


async def test_a_new_lease_has_a_connection_of_its_own(office: Office, server: MTProtoServer) -> None:
    first = await office.pool.gateway(ACCOUNT, office.lease)
    office.lease.held = False
    second = await office.pool.gateway(ACCOUNT, HandLease())
    assert second is not first
    assert (await second.me()).id == BOB
    assert len(server.connections) == 1
    with pytest.raises(NotReached):
        await office.pool.gateway(ACCOUNT, office.lease)
    assert (await second.me()).id == BOB, "who comes too late disturbs nobody"


async def test_many_who_need_an_account_at_once_connect_it_once(office: Office, server: MTProtoServer) -> None:
    found = await asyncio.gather(*(office.pool.gateway(ACCOUNT, office.lease) for _ in range(8)))
    assert len(set(found)) == 1
    assert len(server.connections) == 1


@pytest.mark.alone
async def test_letting_go_ends_a_connecting_that_hangs(office: Office, server: MTProtoServer, world: World) -> None:
    world.faults.set(Fault("delay", "help.getConfig", seconds=60))
    waiting = [asyncio.create_task(office.pool.gateway(ACCOUNT, office.lease)) for _ in range(2)]
    await until(lambda: server.calls["help.getConfig"] == 2)  # the login's, and ours
    began = time.monotonic()
    await office.pool.let_go(ACCOUNT)
    assert time.monotonic() - began < 1
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in results] == [NotReached, NotReached]
    await until(lambda: not server.connections)
    assert (await (await office.pool.gateway(ACCOUNT, office.lease)).me()).id == BOB


async def test_one_who_stops_waiting_does_not_end_the_connecting_for_the_others(office: Office) -> None:
    one, other = (asyncio.create_task(office.pool.gateway(ACCOUNT, office.lease)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    assert (await (await other).me()).id == BOB


async def test_connecting_that_never_ends_is_given_up(
    office: Office, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "CONNECT_SECONDS", MOMENT)
    world.faults.set(Fault("delay", "help.getConfig", seconds=60))
    with pytest.raises(NotReached):
        await office.pool.gateway(ACCOUNT, office.lease)
    assert (await (await office.pool.gateway(ACCOUNT, office.lease)).me()).id == BOB


async def under_way(office: Office, server: MTProtoServer, world: World) -> "asyncio.Task[Me]":
    """A call that Telegram has and does not answer."""
    world.faults.set(Fault("delay", "users.getUsers", seconds=60))
    gateway = await office.pool.gateway(ACCOUNT, office.lease)
    asked = server.calls["users.getUsers"]
    call = asyncio.create_task(gateway.me())
    await until(lambda: server.calls["users.getUsers"] > asked)
    return call


async def test_calls_under_way_are_told_when_their_account_is_let_go(
    office: Office, server: MTProtoServer, world: World
) -> None:
    """Telethon cancels them, which would end the lane's task instead of the call."""
    call = await under_way(office, server, world)
    await office.pool.let_go(ACCOUNT)
    with pytest.raises(NotReached):
        await call


async def test_a_call_that_its_own_task_gives_up_is_cancelled(
    office: Office, server: MTProtoServer, world: World
) -> None:
    call = await under_way(office, server, world)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_session_that_is_void_is_noticed_whoever_of_several_hears_it(
    office: Office, server: MTProtoServer, world: World
) -> None:
    await office.browse(BOB, ALICE)
    world.end_sessions(BOB)
    asked = [ShowProgram(bot_id=BotId(QUIZ)), ShowProgram(username="nobody_bot"), ShowProgram(username="none_bot")]
    failures = await asyncio.gather(*(office.failed(BOB, ALICE, one) for one in asked))
    assert ErrorCode.ACCOUNT_UNAVAILABLE in {one.code for one in failures}
    async with office.store.begin() as session:
        assert await accounts.all_accounts(session) == {BOB: False}
    with pytest.raises(AccountLost):
        await office.pool.gateway(ACCOUNT, office.lease)
    assert server.connections == []


async def test_connecting_asks_telegram_for_one_thing_only(office: Office, server: MTProtoServer) -> None:
    before = server.calls.copy()
    await office.pool.gateway(ACCOUNT, office.lease)
    assert server.calls - before == {"help.getConfig": 1}
