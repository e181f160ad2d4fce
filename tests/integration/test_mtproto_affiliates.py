"""Affiliate programs at the sandbox, asked by real Telethon. The rules' own tests are the World's."""

from datetime import timedelta
from typing import Any

import pytest
from telethon import errors, functions, types

from sandbox.mtproto.server import MTProtoServer
from sandbox.world import Bot, attribution, programs
from sandbox.world.faults import Fault
from tests.sandbox_fixtures import ALICE, BOB, CAROL, CHESS, NEWS, QUIZ, START, account

connect = functions.payments.ConnectStarRefBotRequest
edit = functions.payments.EditConnectedStarRefBotRequest
get_one = functions.payments.GetConnectedStarRefBotRequest
get_all = functions.payments.GetConnectedStarRefBotsRequest
suggest = functions.payments.GetSuggestedStarRefBotsRequest
resolve = functions.contacts.ResolveUsernameRequest


async def test_a_profile_shows_the_program(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        full = await client(functions.users.GetFullUserRequest("quiz_bot"))
        program = full.full_user.starref_program
        assert (program.bot_id, program.commission_permille, program.duration_months) == (QUIZ, 250, 6)
        assert (program.daily_revenue_per_user.amount, program.daily_revenue_per_user.nanos) == (1, 5 * 10**8)
        assert program.end_date is None
        chess = await client(functions.users.GetFullUserRequest("chess_bot"))
        assert chess.full_user.starref_program.duration_months is None
        plain = await client(functions.users.GetFullUserRequest("plain_bot"))
        assert plain.full_user.starref_program is None


async def test_an_ending_program_shows_when_it_is_gone_and_then_is(server: MTProtoServer) -> None:
    world = server.world
    programs.update_program(world, ALICE, QUIZ, 0, None)
    async with account(server, BOB) as client:
        full = await client(functions.users.GetFullUserRequest("quiz_bot"))
        assert full.full_user.starref_program.end_date == START + timedelta(hours=24)
        world.clock.move(timedelta(hours=24))
        full = await client(functions.users.GetFullUserRequest("quiz_bot"))
        assert full.full_user.starref_program is None


async def test_connecting_gives_one_record_and_asking_again_the_same(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        answer = await client(connect("me", "quiz_bot"))
        link = answer.connected_bots[0]
        assert (answer.count, len(answer.connected_bots)) == (1, 1)
        assert link.url.startswith("https://t.me/quiz_bot?start=_tgr_")
        assert (link.bot_id, link.commission_permille, link.duration_months) == (QUIZ, 250, 6)
        assert (link.date, link.participants, link.revenue, link.revoked) == (START, 0, 0, False)
        assert [user.id for user in answer.users] == [QUIZ]
        assert (await client(connect("me", "quiz_bot"))).connected_bots[0].url == link.url
        assert (await client(get_one("me", "quiz_bot"))).connected_bots[0].url == link.url


async def test_not_connected_is_an_empty_answer(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        assert (await client(get_one("me", "quiz_bot"))).connected_bots == []
        assert (await client(get_all("me", limit=10))).count == 0


async def test_a_bot_without_a_program_cannot_be_connected_nor_a_person(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        for name in ("plain_bot", "bobby"):
            with pytest.raises(errors.BotInvalidError):
                await client(connect("me", name))


async def test_a_channel_is_a_balance_for_those_who_may_post_in_it(server: MTProtoServer) -> None:
    async with account(server, BOB) as bob, account(server, CAROL) as carol:
        await bob.get_dialogs()
        await carol.get_dialogs()
        own = await bob(connect("me", "quiz_bot"))
        channels = await bob(connect(types.PeerChannel(NEWS), "quiz_bot"))
        assert channels.connected_bots[0].url != own.connected_bots[0].url
        with pytest.raises(errors.ChatAdminRequiredError):
            await carol(connect(types.PeerChannel(NEWS), "quiz_bot"))


async def test_an_owned_bot_is_a_balance_and_a_foreign_one_is_not(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        assert (await client(connect("plain_bot", "quiz_bot"))).count == 1
        for balance in ("chess_bot", "alice"):
            with pytest.raises(errors.PeerIdInvalidError):
                await client(connect(balance, "quiz_bot"))


async def test_connections_are_paged_newest_first_by_date_and_link(server: MTProtoServer) -> None:
    world = server.world
    for number in range(5):
        world.add(Bot(7100 + number, f"App {number}", f"app{number}_bot", CAROL))
        programs.update_program(world, CAROL, 7100 + number, 50, None)
    async with account(server, BOB) as client:
        for number in range(5):
            if number != 3:  # two of the same second
                world.clock.move(timedelta(minutes=1))
            await client(connect("me", f"app{number}_bot"))
        seen: list[Any] = []
        page = await client(get_all("me", limit=2))
        while page.connected_bots:
            assert page.count == 5
            seen += page.connected_bots
            last = seen[-1]
            page = await client(get_all("me", limit=2, offset_date=last.date, offset_link=last.url))
        assert sorted(link.bot_id for link in seen) == [7100, 7101, 7102, 7103, 7104]
        assert [link.date for link in seen] == sorted((link.date for link in seen), reverse=True)
        with pytest.raises(errors.LimitInvalidError):
            await client(get_all("me", limit=-1))


async def test_a_revoked_link_is_dead_at_once_and_cannot_be_revoked_twice(server: MTProtoServer) -> None:
    async with account(server, BOB) as bob, account(server, CAROL) as carol:
        url = (await bob(connect("me", "quiz_bot"))).connected_bots[0].url
        token = url.partition("_tgr_")[2]
        assert (await carol(resolve("quiz_bot", referer=token))).peer.user_id == QUIZ
        answer = await bob(edit("me", url, revoked=True))
        assert answer.connected_bots[0].revoked
        with pytest.raises(errors.BadRequestError, match="STARREF_EXPIRED"):
            await carol(resolve("quiz_bot", referer=token))
        with pytest.raises(errors.BadRequestError, match="STARREF_HASH_REVOKED"):
            await bob(edit("me", url, revoked=True))
        assert (await bob(get_all("me", limit=10))).connected_bots == []
        again = await bob(connect("me", "quiz_bot"))
        assert again.connected_bots[0].url != url


async def test_another_balances_link_cannot_be_revoked(server: MTProtoServer) -> None:
    async with account(server, BOB) as bob, account(server, CAROL) as carol:
        url = (await bob(connect("me", "quiz_bot"))).connected_bots[0].url
        with pytest.raises(errors.BadRequestError, match="STARREF_HASH_REVOKED"):
            await carol(edit("me", url, revoked=True))
        assert (await bob(get_all("me", limit=10))).count == 1


async def test_a_link_that_is_no_good_is_expired_whatever_is_wrong_with_it(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        url = (await client(connect("me", "quiz_bot"))).connected_bots[0].url
        token = url.partition("_tgr_")[2]
        for name, referer in (
            ("quiz_bot", "neverwas"),
            ("quiz_bot", ""),
            ("chess_bot", token),
            ("alice", token),
            ("plaza", token),
        ):
            with pytest.raises(errors.BadRequestError, match="STARREF_EXPIRED"):
                await client(resolve(name, referer=referer))


async def test_who_follows_a_link_and_starts_and_buys_is_counted(server: MTProtoServer) -> None:
    async with account(server, BOB) as bob, account(server, CAROL) as carol:
        url = (await bob(connect("me", "quiz_bot"))).connected_bots[0].url
        await carol(resolve("quiz_bot", referer=url.partition("_tgr_")[2]))
        attribution.start(server.world, CAROL, QUIZ)
        attribution.buy(server.world, CAROL, QUIZ, 10)
        link = (await bob(get_one("me", "quiz_bot"))).connected_bots[0]
        assert (link.participants, link.revenue) == (1, 2)  # 2.5 Stars, whole ones shown


async def test_programs_are_browsed_in_three_orders_and_by_pages(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:

        async def browse(**order: bool) -> list[int]:
            found, offset = [], ""
            while offset is not None:
                page = await client(suggest("me", offset, limit=1, **order))
                assert page.count == 2
                assert [user.id for user in page.users] == [program.bot_id for program in page.suggested_bots]
                found += [program.bot_id for program in page.suggested_bots]
                offset = page.next_offset
            return found

        assert await browse() == [QUIZ, CHESS]
        assert await browse(order_by_revenue=True) == [CHESS, QUIZ]
        assert await browse(order_by_date=True) == [QUIZ, CHESS]


async def test_what_was_browsed_can_be_connected_without_resolving(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        page = await client(suggest("me", "", limit=10))
        bot = page.users[0]
        answer = await client(connect("me", types.InputUser(bot.id, bot.access_hash)))
        assert answer.count == 1
    assert server.calls["contacts.resolveUsername"] == 0


async def test_browsing_for_a_balance_that_is_not_ones_own_is_refused(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        alice = await client.get_input_entity("alice")
        plaza = await client.get_input_entity("plaza")
        for balance in (alice, plaza, types.InputPeerUser(ALICE, 0)):
            with pytest.raises(errors.PeerIdInvalidError):
                await client(suggest(balance, "", limit=10))


async def test_an_answer_lost_on_the_way_leaves_one_connection(server: MTProtoServer) -> None:
    """Telethon repeats the request on its own; everything that acts must bear being run twice."""
    async with account(server, BOB) as client:
        bot = await client.get_input_entity("quiz_bot")
        server.world.faults.set(Fault("drop", "payments.connectStarRefBot", after=True))
        answer = await client(connect("me", bot))
        assert answer.count == 1
    assert server.calls["payments.connectStarRefBot"] == 2
