"""Transcripts: browsing programs in Telegram's orders, narrowing the list, and finding one by a word."""

from datetime import timedelta

from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.protocol.replies import Program
from mtproto_bridge.store import open_store
from mtproto_bridge.store import programs as readings
from mtproto_bridge.store.database import sqlite_url
from sandbox.world import programs
from tests.e2e.starling import OLGA, SAM, Someone, Starling

QUIZ_NIGHT = 8000002
QUIZ = Program(
    bot_id=BotId(QUIZ_NIGHT),
    username="quiz_night_bot",
    title="Quiz Night",
    commission_permille=300,
    duration_months=None,
)


def listed(person: Someone) -> list[str]:
    """The programs on the screen, as their buttons name them."""
    return [row[0] for row in person.screen.labels if row[0].partition(".")[0].isdigit()]


def new_program(starling: Starling, bot_id: int, title: str, permille: int, daily_stars: int) -> None:
    """Somebody opens a program."""
    copy = type(starling.world.bots[QUIZ_NIGHT])
    starling.world.add(copy(bot_id, title, f"app_{bot_id}_bot", OLGA, daily_revenue_nanos=daily_stars * 10**9))
    programs.update_program(starling.world, OLGA, bot_id, permille, None)


async def read_anew(starling: Starling, listed_now: Program) -> None:
    """A newer reading than the one people page through, as the background makes it every ten minutes."""
    store = await open_store(sqlite_url(starling.site.data_dir))
    async with store.begin() as session:
        soon = starling.site.clock.now() + timedelta(seconds=1)
        await readings.keep_crawl(session, {"profit": [listed_now]}, soon)
    await store.close()


async def test_a_list_is_put_in_another_order_narrowed_and_opened_again(nadia: Someone) -> None:
    first = await nadia.says("/programs", sees="13 affiliate programs\nthe most profitable first\nAs of ")
    await nadia.presses("↕ Profit", sees="the highest revenue first")
    await nadia.presses("↕ Revenue", sees="the newest first")
    assert listed(nadia)[0] == "1. Night Radio · 40%"
    await nadia.presses("Commission: any", sees="10% or more")
    await nadia.presses("Commission: 10%+", sees="20% or more")
    await nadia.presses("☐ Forever only", sees="2 affiliate programs\nthe newest first · 20% or more · forever only")
    assert listed(nadia) == ["1. Star Racer · 25%", "2. Quiz Night · 30%"]
    await nadia.presses("Commission: 20%+", sees="30% or more")
    await nadia.presses("Commission: 30%+", sees="No program fits this: 50% or more · forever only.")
    await nadia.presses("✖ Show all programs", sees="13 affiliate programs\nthe newest first\n")
    assert nadia.screen.id == first.id, "one living message"


async def test_a_program_is_found_by_a_word_of_its_name(nadia: Someone) -> None:
    await nadia.says("NIGHT", sees="2 affiliate programs")
    assert {label.partition(" ")[2].partition(" ·")[0] for label in listed(nadia)} == {"Quiz Night", "Night Radio"}
    await nadia.presses("☐ Forever only", sees="1 affiliate program\n")
    await nadia.presses("🔎 Search", sees="Which app are you looking for?")
    await nadia.says("star", sees="“star” · forever only")
    assert listed(nadia) == ["1. Star Racer · 25%"]
    await nadia.says("/programs сад СЛОВ", sees="1 affiliate program\n")
    await nadia.presses("1. Сад слов · 22%", sees="@sad_slov_bot")
    await nadia.says("revoke my links", sees="No program fits this: “revoke my links”")
    await nadia.presses("My links", sees="7 links")


async def test_a_card_counts_for_many_and_is_shared_by_our_own_link(starling: Starling, nadia: Someone) -> None:
    new_program(starling, 8200001, "Golden Goose", 200, 5)
    await nadia.says("golden", sees="1 affiliate program\n")
    card = await nadia.presses("1. Golden Goose · 20%", sees="about ⭐ 1 Star a day per referred user")
    for line in ("10 users: about ⭐ 10 Stars", "100 users: about ⭐ 100 Stars", "1,000 users: about ⭐ 1,000 Stars"):
        assert line in card.text
    us = starling.sandbox.our_bot.username
    shared = f"https%3A%2F%2Ft.me%2F{us}%3Fstart%3Dj_8200001"
    assert card.button("Share this program").url == f"https://t.me/share/url?url={shared}"
    await starling.person(SAM).says("/start j_8200001", sees="Golden Goose")


async def test_pages_neither_repeat_nor_skip_while_the_list_is_read_anew(starling: Starling, nadia: Someone) -> None:
    await nadia.says("/programs", sees="13 affiliate programs")
    seen = listed(nadia)
    await read_anew(starling, QUIZ)
    sam = starling.person(SAM)
    await sam.says("/programs", sees="1 affiliate program\n")
    await nadia.presses("▶", sees="7. ")
    seen += listed(nadia)
    await nadia.presses("▶", sees="13. ")
    seen += listed(nadia)
    assert [label.partition(".")[0] for label in seen] == [str(number) for number in range(1, 14)]
    assert len({label.partition(". ")[2] for label in seen}) == 13


async def test_a_list_that_grew_old_is_renewed_and_begins_at_its_first_page(starling: Starling, nadia: Someone) -> None:
    old = await nadia.says("/programs", sees="13 affiliate programs")
    new_program(starling, 8200001, "Golden Goose", 500, 1_000)
    starling.site.clock.move(hours=2)
    await nadia.presses("▶", sees="The list was renewed", on=old)
    assert listed(nadia)[0] == "1. Golden Goose · 50%"
    assert "14 affiliate programs" in nadia.screen.text
    await nadia.presses("▶", sees="7. ")
    assert "renewed" not in nadia.screen.text
