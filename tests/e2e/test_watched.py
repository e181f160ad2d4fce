"""Transcripts: somebody without a channel joins in Telegram, and has the link watched here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from telethon import types, utils
from telethon.tl.functions.contacts import ResolveUsernameRequest
from telethon.tl.functions.payments import ConnectStarRefBotRequest, EditConnectedStarRefBotRequest

from sandbox.world import programs
from tests.e2e.starling import NADIA, OLGA, SAM, VERA, Someone, Starling
from tests.sandbox_fixtures import account

QUIZ_NIGHT = 8000002


@asynccontextmanager
async def own_telegram(starling: Starling, person: int) -> AsyncIterator[Any]:
    """Their own Telegram app."""
    async with account(starling.sandbox.mtproto, person) as client:
        yield client


async def joins_in_telegram(starling: Starling, person: int, username: str) -> str:
    """Affiliate Program, Join, Copy: the link of their own balance."""
    async with own_telegram(starling, person) as client:
        found = await client(ResolveUsernameRequest(username))
        bot = utils.get_input_user(found.users[0])
        answer = await client(ConnectStarRefBotRequest(types.InputPeerSelf(), bot))
        return str(answer.connected_bots[0].url)


async def revokes_in_telegram(starling: Starling, person: int, url: str) -> None:
    async with own_telegram(starling, person) as client:
        await client(EditConnectedStarRefBotRequest(types.InputPeerSelf(), url, revoked=True))


async def has_a_watched_link(starling: Starling, person: Someone) -> str:
    """From nothing to a watched link."""
    await person.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    await person.presses("Join", sees="My own balance")
    steps = await person.presses("My own balance", sees="Join Quiz Night with your own balance")
    assert steps.button("Open in Telegram").url == "https://t.me/quiz_night_bot?profile"
    url = await joins_in_telegram(starling, person.id, "quiz_night_bot")
    await person.says(url, sees="Kept. You find it under My links.")
    assert person.url == url
    return url


async def test_sam_joins_with_his_own_balance_and_is_told_when_the_link_dies(starling: Starling) -> None:
    sam = starling.person(SAM)
    url = await has_a_watched_link(starling, sam)
    for promise in ("✅ Alive", "30%", "visible only in Telegram"):
        assert promise in sam.screen.text
    assert [one.balance_id for one in starling.world.links if one.url == url] == [SAM]

    await revokes_in_telegram(starling, SAM, url)
    starling.site.clock.move(minutes=1)
    await sam.says("/links", sees="1 link")
    dead = await sam.presses("1. Quiz Night → your own balance", sees="🚫 Dead")
    assert url not in dead.text
    await sam.presses("Get a new link", sees="paste the link here")
    await sam.says(await joins_in_telegram(starling, SAM, "quiz_night_bot"), sees="Kept")
    assert sam.url != url
    await sam.presses("« My links", sees="2 links")


async def test_a_link_dies_with_its_program_and_the_countdown_is_told(starling: Starling) -> None:
    sam = starling.person(SAM)
    await has_a_watched_link(starling, sam)
    programs.update_program(starling.world, OLGA, QUIZ_NIGHT, 0, None)
    starling.site.clock.move(minutes=1)
    await sam.presses("🔄 Check again", sees="The program closes on")
    starling.sandbox.world.clock.move(programs.WIND_DOWN)
    starling.site.clock.move(days=1)
    ended = await sam.presses("🔄 Check again", sees="🚫 Dead")
    assert not any("Get a new link" in row for row in ended.labels)


async def test_the_bridge_restarts_between_the_question_and_the_link(starling: Starling) -> None:
    sam = starling.person(SAM)
    await sam.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    await sam.presses("Join", sees="My own balance")
    await sam.presses("My own balance", sees="paste the link here")
    await starling.restart_bridge()
    await sam.says("done!", sees="not a referral link")
    await sam.says(await joins_in_telegram(starling, SAM, "quiz_night_bot"), sees="Kept")


async def test_somebody_elses_link_is_checked_and_joined_from_by_nobody(starling: Starling, nadia: Someone) -> None:
    url = await joins_in_telegram(starling, SAM, "quiz_night_bot")
    checked = await nadia.says(f"Look at this: {url}", sees="is alive")
    assert "Quiz Night" in checked.text
    await nadia.presses("See the program", sees="@quiz_night_bot")
    await nadia.presses("Join", sees="Which balance")
    await nadia.presses("📢 Quiet Gardens", sees="Join Quiz Night")
    await nadia.presses("✅ Join with this balance", sees="You’re in")
    assert not starling.world.people[NADIA].followed
    assert QUIZ_NIGHT not in starling.world.people[VERA].started_bots
    assert [one.participants for one in starling.world.links if one.url == url] == [0]


async def test_ones_own_link_opens_its_page_when_pasted(nadia: Someone) -> None:
    await nadia.says("/links", sees="7 links")
    await nadia.presses("5. Word Garden → Quiet Gardens", sees="Earned")
    url = nadia.url
    await nadia.says(f"/check {url}", sees="Word Garden → Quiet Gardens")
    assert nadia.url == url


async def test_the_qr_picture_and_the_post_come_beside_the_page(starling: Starling) -> None:
    sam = starling.person(SAM)
    url = await has_a_watched_link(starling, sam)
    page = sam.screen
    picture = await sam.presses("QR picture", sees=url)
    assert picture.photo is not None
    post = await sam.presses("Text to post", sees="Ad. This is a referral link", on=page)
    assert url in post.text
    await sam.presses("Forget", sees="Ad. This is a referral link", on=page)
    chat = starling.sandbox.botapi.chats.chat(SAM)
    await chat.until(lambda _: "Forgotten here" in chat.message(page.id).text)


async def test_it_is_told_in_russian_too(starling: Starling) -> None:
    person = next(one for one in starling.world.people.values() if one.language == "ru" and one.phone)
    ru = starling.person(person.id)
    url = await joins_in_telegram(starling, person.id, "quiz_night_bot")
    await ru.says(url, sees="работает")
    await ru.presses("Сохранить в «Мои ссылки»", sees="Сохранено")
