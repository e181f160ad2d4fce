"""Resolving a username is the scarcest call: what is known is not asked for, and nobody uses it up for all."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from mtproto_bridge.handling import Flooded
from mtproto_bridge.protocol import ErrorCode, Failure
from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.protocol.replies import Program, ProgramCard
from mtproto_bridge.protocol.requests import ShowProgram
from mtproto_bridge.store import tables
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import Bot, World, programs
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.integration.pool_fixtures import Office, joining, office_at
from tests.sandbox_fixtures import ALICE, BOB, CAROL, CHESS, QUIZ

RESOLVE = "contacts.resolveUsername"
NEWCOMER = 7009


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    async with bridge_site(server, BOB, ALICE) as made:
        yield made


@pytest.fixture
async def office(site: BridgeSite) -> AsyncIterator[Office]:
    async with office_at(site) as made:
        yield made


async def found(office: Office, username: str, *, actor: int = ALICE, account: int = BOB) -> Program | Failure:
    outcome = await office.handle(account, actor, ShowProgram(username=username))
    assert not isinstance(outcome, Flooded)
    if outcome.failure:
        return outcome.failure
    assert isinstance(outcome.result, ProgramCard)
    return outcome.result.program


async def code(office: Office, username: str, *, actor: int = ALICE, account: int = BOB) -> ErrorCode:
    failure = await found(office, username, actor=actor, account=account)
    assert isinstance(failure, Failure)
    return failure.code


async def bot_id(office: Office, username: str, *, account: int = BOB) -> int:
    program = await found(office, username, account=account)
    assert isinstance(program, Program)
    return program.bot_id


async def test_what_the_index_has_is_found_without_resolving(office: Office, server: MTProtoServer) -> None:
    await office.browse(BOB, ALICE)
    assert await bot_id(office, "QUIZ_bot") == QUIZ
    assert server.calls[RESOLVE] == 0


async def test_what_was_resolved_once_is_not_resolved_again_even_after_a_restart(
    site: BridgeSite, server: MTProtoServer
) -> None:
    async with office_at(site) as office:
        for _ in range(3):
            assert await bot_id(office, "quiz_bot") == QUIZ
            assert await code(office, "plain_bot") == ErrorCode.PROGRAM_UNAVAILABLE
    assert server.calls[RESOLVE] == 2
    async with office_at(site) as office:
        assert await bot_id(office, "quiz_bot") == QUIZ
        assert await code(office, "plain_bot") == ErrorCode.PROGRAM_UNAVAILABLE
    assert server.calls[RESOLVE] == 2, "the account has met them"


@pytest.mark.parametrize("username", ["nobody_bot", "plaza", "alice"])
async def test_a_username_that_leads_to_no_bot_is_asked_about_every_ten_minutes(
    office: Office, server: MTProtoServer, username: str
) -> None:
    for _ in range(9):
        assert await code(office, username) == ErrorCode.NO_SUCH_BOT
    assert await code(office, username.upper()) == ErrorCode.NO_SUCH_BOT
    assert server.calls[RESOLVE] == 1
    office.site.clock.move(minutes=10)
    await code(office, username)
    assert server.calls[RESOLVE] == 2


async def test_many_who_ask_for_the_same_name_at_once_ask_telegram_once(office: Office, server: MTProtoServer) -> None:
    asked = [code(office, "nobody_bot", actor=person) for person in range(1, 9)]
    assert set(await asyncio.gather(*asked)) == {ErrorCode.NO_SUCH_BOT}
    assert server.calls[RESOLVE] == 1


async def test_one_person_cannot_use_it_up_for_all(office: Office, server: MTProtoServer) -> None:
    for number in range(5):
        assert await code(office, f"nobody_{number}") == ErrorCode.NO_SUCH_BOT
    refused = await found(office, "nobody_5")
    assert isinstance(refused, Failure)
    assert refused.code == ErrorCode.SLOW_DOWN
    assert refused.retry_at == office.site.clock.now() + timedelta(seconds=20)
    assert server.calls[RESOLVE] == 5
    assert await code(office, "nobody_0") == ErrorCode.NO_SUCH_BOT, "what is known costs nothing"
    assert await code(office, "nobody_5", actor=CAROL) == ErrorCode.NO_SUCH_BOT, "nor is anybody else held up"
    office.site.clock.move(seconds=20)
    assert await code(office, "nobody_6") == ErrorCode.NO_SUCH_BOT


async def test_a_bot_that_changed_its_name_is_not_shown_under_the_old_one(office: Office, world: World) -> None:
    await office.browse(BOB, ALICE)
    world.bots[QUIZ].username = "riddle_bot"
    world.add(Bot(NEWCOMER, "Newcomer", "quiz_bot", owner_id=CAROL))
    programs.update_program(world, CAROL, NEWCOMER, 300, None)
    assert await bot_id(office, "quiz_bot") == NEWCOMER
    assert await bot_id(office, "riddle_bot") == QUIZ


async def test_an_account_meets_a_bot_once_to_join_it_and_that_is_the_persons_share_too(
    office: Office, server: MTProtoServer
) -> None:
    await office.browse(ALICE, ALICE)  # the desk has met the bots, the account that joins has not
    news = await office.balance(ALICE, "News")
    for number in range(5):
        await code(office, f"nobody_{number}")
    failure = await office.failed(BOB, ALICE, joining(news, QUIZ))
    assert failure.code == ErrorCode.SLOW_DOWN
    office.site.clock.move(seconds=20)
    resolved = server.calls[RESOLVE]
    assert (await office.done(BOB, ALICE, joining(news, QUIZ))).changed
    assert not (await office.done(BOB, ALICE, joining(news, QUIZ))).changed
    assert server.calls[RESOLVE] == resolved + 1


async def test_a_bot_nobody_can_be_led_to_is_told_as_gone(office: Office, server: MTProtoServer) -> None:
    await office.browse(ALICE, ALICE)
    async with office.store.begin() as session:
        await session.execute(
            update(tables.Program).where(tables.Program.bot_id == CHESS).values(username="chess_of_old_bot")
        )
    news = await office.balance(ALICE, "News")
    for bot in (CHESS, CHESS, 404):
        assert (await office.failed(BOB, ALICE, joining(news, bot))).code == ErrorCode.NO_SUCH_BOT
    assert server.calls[RESOLVE] == 1


async def test_a_deep_link_to_a_bot_nobody_browsed_for_reads_the_index(office: Office, server: MTProtoServer) -> None:
    outcome = await office.handle(BOB, ALICE, ShowProgram(bot_id=BotId(QUIZ)))
    assert not isinstance(outcome, Flooded)
    assert isinstance(outcome.result, ProgramCard)
    assert server.calls[RESOLVE] == 0
    assert (await office.pool.gateway(AccountId(BOB), office.lease)).met("quiz_bot") == QUIZ
