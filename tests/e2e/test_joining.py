"""Transcripts: finding a program, joining it, seeing what the link earns."""

import pytest

from bot.callbacks import ConfirmJoin
from mtproto_bridge.protocol.ids import BalanceId, BotId
from sandbox.serve import Sandbox
from sandbox.world import Channel, attribution, programs
from sandbox.world.seed import referred_purchase
from tests.e2e.starling import CLUB, GARDENS, NADIA, OLGA, SAM, VERA, Someone, Starling, running_starling

QUIZ_NIGHT = 8000002
LAST_TRAIN = 8000013
TINY_FARM = 8000003
ACCEPT = "✅ I accept these terms"


async def test_a_channel_owner_joins_for_the_first_time_and_gets_a_link_that_works() -> None:
    async with running_starling(newcomers=(NADIA,)) as starling:
        nadia = starling.person(NADIA)
        await nadia.says("/start", sees="Earn Stars")
        await nadia.presses("Browse programs", sees="13 affiliate programs")
        await nadia.presses("6. Quiz Night · 30%", sees="@quiz_night_bot")
        await nadia.presses("Join", sees="Which balance should earn")
        terms = await nadia.presses("📢 Quiet Gardens", sees="What an affiliate must know")
        for rule in ("21 days", "refunded", "never be moved", "No spam", "Where the law requires it"):
            assert rule in terms.text
        confirmation = await nadia.presses(ACCEPT, sees="Join Quiz Night")
        for promise in ("30%", "forever", "Quiet Gardens", "can never be changed", "21 days", "terms for affiliates"):
            assert promise in confirmation.text
        await nadia.presses("✅ Join with this balance", sees="You’re in")
        first = nadia.url
        assert first.startswith("https://t.me/quiz_night_bot?start=_tgr_")
        assert first in nadia.screen.text
        assert [one.balance_id for one in starling.world.links if one.url == first] == [GARDENS]
        await starling.follows(first)
        await nadia.presses("Another balance", sees="Which balance should earn")
        await nadia.presses("📢 Garden Club (private)", sees="Join Quiz Night")  # no terms again
        await nadia.presses("✅ Join with this balance", sees="You’re in")
        assert nadia.url != first
        assert [one.balance_id for one in starling.world.links if one.url == nadia.url] == [CLUB]


async def test_a_link_comes_with_a_qr_picture_and_a_text_to_post(starling: Starling, nadia: Someone) -> None:
    await join_quiz_night(nadia)
    page, url = nadia.screen, nadia.url
    picture = await nadia.presses("QR picture", sees=url)
    assert picture.photo is not None
    post = await nadia.presses("Text to post", sees="Ad. This is a referral link", on=page)
    assert "Quiz Night" in post.text
    assert url in post.text
    link = next(one for one in starling.world.links if one.url == url)
    link.revoked = True
    said = len(starling.sandbox.botapi.chats.chat(NADIA).messages)
    nadia.taps("Text to post", on=page)
    await nadia.sees_on(page, "This link is revoked")
    assert len(starling.sandbox.botapi.chats.chat(NADIA).messages) == said, "nobody is helped to post a dead link"


async def test_the_link_shows_its_stats_after_a_purchase(starling: Starling, nadia: Someone) -> None:
    await join_quiz_night(nadia)
    assert "0 users referred" in nadia.screen.text
    link = next(one for one in starling.world.links if one.url == nadia.url)
    referred_purchase(starling.world, QUIZ_NIGHT, link.token, 100)
    await nadia.presses("🔄 Refresh", sees="1 user referred")
    assert "Earned: ⭐ 30 Stars" in nadia.screen.text
    buyer = max(starling.world.people)
    attribution.buy(starling.world, buyer, QUIZ_NIGHT, 100)
    await nadia.presses("🔄 Refresh", sees="Earned: ⭐ 60 Stars")


async def test_joining_twice_gives_the_same_link(nadia: Someone) -> None:
    await join_quiz_night(nadia)
    url = nadia.url
    await nadia.says("/join @quiz_night_bot", sees="You promote this program")
    await nadia.presses("🔗 Link for Quiet Gardens", sees="Quiz Night → Quiet Gardens")
    assert nadia.url == url


async def test_two_taps_on_join_make_one_link(starling: Starling, nadia: Someone) -> None:
    starling.switch(repeat_connect="new_url")
    await nadia.says("/join quiz_night_bot", sees="@quiz_night_bot")
    await nadia.presses("Join", sees="Which balance")
    confirmation = await nadia.presses("📢 Quiet Gardens", sees="Join Quiz Night")
    chats = starling.sandbox.botapi.chats
    taps = [chats.press(nadia.id, confirmation.id, "✅ Join with this balance") for _ in range(2)]
    await chats.chat(nadia.id).until(lambda _: "Earned" in nadia.screen.text and all(one.answer for one in taps))
    await nadia.says("/links", sees="8 links")
    assert len([one for one in starling.world.links if one.bot_id == QUIZ_NIGHT]) == 1


@pytest.mark.parametrize(
    "written", ["@Quiz_Night_bot", "https://t.me/quiz_night_bot", "t.me/quiz_night_bot?start=_tgr_AbCdEf012345"]
)
async def test_a_program_is_found_by_name_link_and_referral_link(
    starling: Starling, nadia: Someone, written: str
) -> None:
    await nadia.says(f"/join {written}", sees="@quiz_night_bot")
    assert not starling.world.people[NADIA].followed
    assert not starling.world.people[VERA].followed, "the bridge never follows a pasted link"


async def test_what_is_closing_cannot_be_joined(nadia: Someone) -> None:
    card = await nadia.says("/join @last_train_bot", sees="takes no new affiliates")
    assert not any("Join" in label for row in card.labels for label in row)


@pytest.mark.parametrize("error", ["BOT_INVALID", "STARREF_SOMETHING_NEW"])
async def test_a_program_that_closes_before_the_confirmation_is_not_joined(
    starling: Starling, nadia: Someone, error: str
) -> None:
    starling.switch(connect_refused_error=error)
    await nadia.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    await nadia.presses("Join", sees="Which balance")
    await nadia.presses("📢 Quiet Gardens", sees="Join Quiz Night")
    programs.update_program(starling.world, OLGA, QUIZ_NIGHT, 0, None)
    await nadia.presses("✅ Join with this balance", sees="takes no new affiliates")
    assert not any(one.bot_id == QUIZ_NIGHT for one in starling.world.links)


async def test_unknown_bots_and_bots_without_a_program_are_told_apart(nadia: Someone) -> None:
    await nadia.says("/join @no_such_thing_bot", sees="There is no bot with the name @no_such_thing_bot")
    await nadia.says("/join @plain_notes_bot", sees="has no affiliate program")


async def test_a_stranger_has_no_balance_and_is_told_what_is_possible(starling: Starling) -> None:
    sam = starling.person(SAM)
    await sam.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    await sam.presses("Join", sees="you need a balance")


async def test_nobody_joins_for_a_balance_that_is_not_theirs(starling: Starling, nadia: Someone) -> None:
    await join_quiz_night(nadia)
    sam = starling.person(SAM)
    await sam.says("/start", sees="Earn Stars")
    for balance in (1, 2, 3, 4711):
        forged = ConfirmJoin(balance_id=BalanceId(balance), bot_id=BotId(TINY_FARM), nonce=starling.site.nonce())
        await sam.forges(forged.pack(), sees="You can’t act for this balance")
    made = [one for one in starling.world.links if one.bot_id == TINY_FARM]
    assert len(made) == 1, "the seeded one"


async def test_the_accounts_own_person_earns_on_the_account(starling: Starling) -> None:
    vera = starling.person(VERA)
    await vera.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    await vera.presses("Join", sees="Which balance")
    await vera.presses("👤 Vera", sees="Join Quiz Night")
    await vera.presses("✅ Join with this balance", sees="You’re in")
    assert starling.world.links[-1].balance_id == VERA


async def test_the_desk_finds_a_program_and_another_account_joins_it() -> None:
    """An access hash is valid for one account only: Olga's account must meet the bot itself."""
    sandbox = Sandbox.load()
    sandbox.world.add(Channel(5000003, "Sam's Corner", SAM, admins={OLGA: {"post_messages"}}))
    async with running_starling(log_in=(VERA, OLGA), sandbox=sandbox) as starling:
        sam = starling.person(SAM)
        await sam.says("/join @quiz_night_bot", sees="@quiz_night_bot")
        await sam.presses("Join", sees="Join Quiz Night")  # one balance: nothing to choose
        await sam.presses("✅ Join with this balance", sees="You’re in")
        assert starling.world.links[-1].balance_id == 5000003
        await sam.says("/links", sees="1 link")


async def test_who_writes_in_russian_is_answered_in_russian(starling: Starling) -> None:
    starling.world.people[SAM].language = "ru"
    sam = starling.person(SAM)
    await sam.says("/programs", sees="13 партнёрских программ")


async def test_in_a_group_the_bot_says_once_that_it_works_in_private(starling: Starling) -> None:
    chats = starling.sandbox.botapi.chats
    chats.say(SAM, "/programs", group="Gardeners")
    await chats.group("Gardeners").until(lambda chat: chat.last.from_bot)
    assert "private chats only" in chats.group("Gardeners").last.text
    chats.say(SAM, "/links", group="Gardeners")
    sam = starling.person(SAM)
    await sam.says("/start", sees="Earn Stars")
    assert [one.from_bot for one in chats.group("Gardeners").messages].count(True) == 1


async def join_quiz_night(person: Someone) -> None:
    """As in the first transcript, in short."""
    await person.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    await person.presses("Join", sees="Which balance")
    await person.presses("📢 Quiet Gardens", sees="Join Quiz Night")
    await person.presses("✅ Join with this balance", sees="You’re in")
