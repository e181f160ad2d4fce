"""What operators see in the chat, and whom they ban."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from mtproto_bridge.actions.context import Rules
from mtproto_bridge.protocol import BridgeError, ErrorCode, Reply
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.protocol.replies import Operations
from mtproto_bridge.protocol.requests import BanPerson, ShowOperations
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.leases import Leases
from mtproto_bridge.queue.redis import QueueServer
from mtproto_bridge.store import accounts, tables
from mtproto_bridge.telegram.limits import MOST_CHANNELS_PREMIUM, RESERVED_CHANNELS
from sandbox.mtproto.server import MTProtoServer
from tests.bridge_fixtures import bridge_site
from tests.integration.pool_fixtures import Office, office_at
from tests.sandbox_fixtures import ALICE, BOB, CAROL

OPERATOR = 9001


@pytest.fixture
async def office(server: MTProtoServer) -> AsyncIterator[Office]:
    async with bridge_site(server, CAROL, BOB) as site, office_at(site, Rules(operators=frozenset({OPERATOR}))) as made:
        yield made


async def shown(office: Office, actor: int = OPERATOR, payload: ShowOperations | BanPerson | None = None) -> Operations:
    outcome = await office.handle(CAROL, actor, payload or ShowOperations())
    assert isinstance(outcome, Reply), outcome
    if outcome.failure:
        raise BridgeError(outcome.failure)
    assert isinstance(outcome.result, Operations)
    return outcome.result


async def test_operators_see_each_account_with_its_lane_and_its_room(office: Office) -> None:
    server, keys, now = QueueServer(office.site.redis_url), Keys(), office.site.clock.now()
    try:
        await Leases(server, keys, "north", 60).take([AccountId(BOB)], 1)
        until = now + timedelta(minutes=5)
        await server.hash_put(keys.floods(AccountId(BOB)), {"users.getUsers": str(int(until.timestamp() * 1000))})
        await server.ask("XADD", keys.lane(AccountId(BOB)), "*", "request", "{}")
        await server.ask("XADD", keys.dead_letters(), "*", "request", "{}")
    finally:
        await server.close()
    async with office.store.begin() as session:
        await accounts.note_allowed(session, AccountId(BOB), premium=True, may_connect=None, at=now)
        await accounts.set_state(session, AccountId(CAROL), before="ready", after="frozen")
    seen = await shown(office)
    carol, bob = sorted(seen.accounts, key=lambda one: one.id, reverse=True)
    assert (bob.id, bob.state, bob.served_by, bob.waiting, bob.flooded_until) == (BOB, "ready", "north", 1, until)
    assert (bob.channels, bob.free) == (1, MOST_CHANNELS_PREMIUM - RESERVED_CHANNELS - 1)
    assert (carol.state, carol.served_by, carol.waiting, carol.free) == ("frozen", None, 0, 0)
    assert seen.dead_letters == 1


async def test_registrations_that_wait_are_counted_and_the_oldest_shown(office: Office) -> None:
    now = office.site.clock.now()
    async with office.store.begin() as session:
        for number in range(7):
            row = tables.Registration(
                person_id=ALICE, channel_id=number + 1, title=f"Channel {number}", state="waiting"
            )
            row.created_at = row.updated_at = now
            session.add(row)
            await session.flush()
    seen = await shown(office)
    assert seen.registrations_waiting == 7
    assert [one.title for one in seen.registrations] == [f"Channel {number}" for number in range(5)]


async def test_a_banned_person_is_refused_at_once_and_let_in_again(office: Office) -> None:
    assert (await shown(office, payload=BanPerson(person_id=ALICE))).banned == [ALICE]
    assert (await office.failed(CAROL, ALICE, ShowOperations())).code == ErrorCode.BANNED
    assert (await shown(office, payload=BanPerson(person_id=ALICE, banned=False))).banned == []
    assert (await office.failed(CAROL, ALICE, ShowOperations())).code == ErrorCode.NOT_AN_OPERATOR


@pytest.mark.parametrize("payload", [ShowOperations(), BanPerson(person_id=BOB)])
async def test_nobody_else_sees_or_bans(office: Office, payload: ShowOperations | BanPerson) -> None:
    with pytest.raises(BridgeError) as caught:
        await shown(office, ALICE, payload)
    assert caught.value.code == ErrorCode.NOT_AN_OPERATOR
