"""Transcripts: the list of links, revoking and rejoining, and what stands in the way."""

import pytest
from telethon.errors import BadRequestError

from sandbox.world import links
from tests.e2e.starling import CLUB, DMITRI, GARDENS, NADIA, SAM, VERA, Someone, Starling

PAPER_PLANES = 8000001
WORD_GARDEN = 8000005


def balances_link(starling: Starling, balance: int, bot: int) -> str:
    """The URL of a seeded link."""
    return next(one.url for one in starling.world.links if one.balance_id == balance and one.bot_id == bot)


async def open_word_garden(person: Someone) -> None:
    await person.says("/links", sees="links")
    await person.presses("5. Word Garden → Quiet Gardens", sees="Earned")


async def test_the_list_goes_past_one_page_over_all_balances(nadia: Someone) -> None:
    first = await nadia.says("/links", sees="7 links")
    second = await nadia.presses("▶", sees="7. Сад слов → Garden Club (private)")
    assert "6." not in second.text
    await nadia.presses("◀", sees="1. Last Train → Quiet Gardens")
    assert first.id == nadia.screen.id, "one living message"


async def test_the_list_goes_past_telegrams_own_page_of_a_hundred(starling: Starling, nadia: Someone) -> None:
    for number in range(130):
        bot = starling.world.bots[WORD_GARDEN]
        copy = type(bot)(8100000 + number, f"Game {number}", f"game_{number}_bot", SAM, program=bot.program)
        starling.world.add(copy)
        links.connect(starling.world, VERA, CLUB, copy.id)
    await nadia.says("/links", sees="137 links")
    seen: list[str] = []
    for page in range(1, 24):
        seen += [row[0] for row in nadia.screen.labels if row[0][:1].isdigit() and "→" in row[0]]
        if page < 23:
            await nadia.presses("▶", sees=f"{page * 6 + 1}. ")
    assert len(seen) == len(set(seen)) == 137


async def test_a_revoked_link_is_dead_for_everybody(starling: Starling, nadia: Someone) -> None:
    await open_word_garden(nadia)
    url = nadia.url
    await starling.follows(url)
    question = await nadia.presses("Revoke", sees="Revoke the link for Word Garden")
    assert "For a revoked link it promises nothing" in question.text
    await nadia.presses("Yes, revoke", sees="Done: the link is revoked")
    with pytest.raises(BadRequestError) as caught:
        await starling.follows(url)
    assert caught.value.message == "STARREF_EXPIRED"


async def test_keeping_a_link_keeps_it(starling: Starling, nadia: Someone) -> None:
    await open_word_garden(nadia)
    url = nadia.url
    await nadia.presses("Revoke", sees="Revoke the link")
    await nadia.presses("Keep it", sees="Earned")
    await starling.follows(url)


async def test_revoking_twice_from_two_devices_is_a_success(nadia: Someone) -> None:
    await open_word_garden(nadia)
    phone = await nadia.presses("Revoke", sees="Revoke the link")
    await open_word_garden(nadia)
    await nadia.presses("Revoke", sees="Revoke the link")
    await nadia.presses("Yes, revoke", sees="Done: the link is revoked")
    chat = nadia.starling.sandbox.botapi.chats.chat(NADIA)
    nadia.starling.sandbox.botapi.chats.press(NADIA, phone.id, "Yes, revoke")
    await chat.until(lambda _: "already revoked" in chat.message(phone.id).text)


@pytest.mark.parametrize("foreign_link_error", ["STARREF_HASH_REVOKED", "PEER_ID_INVALID"])
async def test_rejoining_gives_a_new_link_and_never_the_dead_one(
    starling: Starling, nadia: Someone, foreign_link_error: str
) -> None:
    starling.switch(foreign_link_error=foreign_link_error)
    await open_word_garden(nadia)
    dead = nadia.url
    await nadia.presses("Revoke", sees="Revoke the link")
    await nadia.presses("Yes, revoke", sees="Done: the link is revoked")
    await nadia.presses("Rejoin", sees="can never be changed")
    await nadia.presses("✅ Join with this balance", sees="replace it everywhere")
    assert nadia.url != dead
    await starling.follows(nadia.url)


async def test_where_telegram_revives_a_link_rejoining_gives_that_one(starling: Starling, nadia: Someone) -> None:
    starling.switch(reconnect="revive")
    await open_word_garden(nadia)
    old = nadia.url
    await nadia.presses("Revoke", sees="Revoke the link")
    await nadia.presses("Yes, revoke", sees="Done: the link is revoked")
    await nadia.presses("Rejoin", sees="can never be changed")
    joined = await nadia.presses("✅ Join with this balance", sees="You’re in")
    assert "replace it everywhere" not in joined.text
    assert nadia.url == old
    await starling.follows(old)


async def test_an_old_join_button_shows_the_present_state_and_joins_nothing(starling: Starling, nadia: Someone) -> None:
    await nadia.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    await nadia.presses("Join", sees="Which balance")
    old = await nadia.presses("📢 Quiet Gardens", sees="Join Quiz Night")
    data = old.button("✅ Join with this balance").callback_data
    await nadia.presses("✅ Join with this balance", sees="You’re in")
    await nadia.presses("Revoke", sees="Revoke the link")
    await nadia.presses("Yes, revoke", sees="Done: the link is revoked")
    assert data is not None
    await nadia.forges(data, sees="This link is revoked")
    assert [one.revoked for one in starling.world.links if one.bot_id == 8000002] == [True]


async def test_a_month_old_confirmation_does_nothing_but_show(starling: Starling, nadia: Someone) -> None:
    await open_word_garden(nadia)
    url = nadia.url
    old = await nadia.presses("Revoke", sees="Revoke the link")
    starling.site.clock.move(days=30)
    await nadia.presses("Yes, revoke", sees="had expired, so nothing was done", on=old)
    await starling.follows(url)


async def test_a_button_nobody_knows_any_more_is_answered(nadia: Someone) -> None:
    await nadia.says("/start", sees="Earn Stars")
    await nadia.forges("v0:something:old", sees="from an earlier version")


async def test_a_manager_demoted_between_two_taps_is_refused(starling: Starling) -> None:
    """Dmitri could post in the channel when the operator handed it over; his Telegram is in Russian."""
    dmitri = starling.person(DMITRI)
    await dmitri.says("/links", sees="5 ссылок")
    await dmitri.presses("5. Word Garden → Quiet Gardens", sees="Word Garden")
    await dmitri.presses("Отозвать", sees="Отозвать ссылку")
    url = balances_link(starling, GARDENS, WORD_GARDEN)
    starling.world.set_admin(GARDENS, DMITRI, {"edit_messages"})
    refusal = await dmitri.presses("Да, отозвать", sees="баланс")
    assert url not in refusal.text
    await starling.follows(url)
    starling.site.clock.move(seconds=61)
    await dmitri.says("/links", sees="Ссылок нет")


async def test_the_bridge_restarts_and_then_revokes_on_a_private_channel(starling: Starling, nadia: Someone) -> None:
    await nadia.says("/links", sees="7 links")
    await nadia.presses("6. Paper Planes → Garden Club (private)", sees="Paper Planes → Garden Club")
    url = nadia.url
    await nadia.presses("Revoke", sees="Revoke the link")
    await starling.restart_bridge()
    await nadia.presses("Yes, revoke", sees="Done: the link is revoked")
    assert url == balances_link(starling, CLUB, PAPER_PLANES)
    with pytest.raises(BadRequestError):
        await starling.follows(url)


async def test_a_tap_while_the_bridge_is_away_is_carried_out_when_it_is_back(
    starling: Starling, nadia: Someone
) -> None:
    await open_word_garden(nadia)
    await nadia.presses("Revoke", sees="Revoke the link")
    await starling.stop_bridge()
    chats = starling.sandbox.botapi.chats
    chats.press(NADIA, nadia.screen.id, "Yes, revoke")
    await chats.chat(NADIA).until(lambda _: "Revoking" in nadia.screen.text)
    await starling.start_bridge()
    await chats.chat(NADIA).until(lambda _: "Done: the link is revoked" in nadia.screen.text)


async def test_the_channel_that_lost_the_bridges_right_says_what_to_give_back(
    starling: Starling, nadia: Someone
) -> None:
    await open_word_garden(nadia)
    page = nadia.screen
    starling.world.set_admin(GARDENS, VERA, {"edit_messages"})
    nadia.taps("🔄 Refresh", on=page)
    await nadia.sees_on(page, "I need the right to post in Quiet Gardens")
    await nadia.is_shown("Quiet Gardens needs your help")  # every manager is told, in a message of its own
    starling.world.set_admin(GARDENS, VERA, {"post_messages"})
    nadia.taps("Try again", on=page)
    await nadia.sees_on(page, "Word Garden → Quiet Gardens")


async def test_a_logged_out_account_is_said_plainly(starling: Starling, nadia: Someone) -> None:
    await open_word_garden(nadia)
    starling.world.end_sessions(VERA)
    await nadia.presses("🔄 Refresh", sees="is logged out")
