"""What inline mode offers: URL buttons only, escaped, within Telegram's limits, in every language."""

import pytest

from bot.i18n import Texts
from bot.screens import inline
from bot.screens.inline import CARDS_A_PAGE, Offered
from bot.screens.layout import Url
from sandbox.botapi.html_parser import HtmlParser
from tests.unit.bot_samples import CRAWL, END, URL, cards, english, live, program, programs, russian

US = "starling_bot"


def shown(offered: Offered) -> str:
    """The only card's message without its markup; it must be Telegram's HTML."""
    [card] = offered.cards
    return HtmlParser(card.text).parse()[0]


@pytest.mark.parametrize("texts", [english, russian], ids=["en", "ru"])
def test_cards_lead_somewhere_and_carry_nothing_anybody_could_press(texts: Texts) -> None:
    offered = [inline.links(texts, cards(live())), inline.programs(texts, programs(program()), US)]
    assert [one.cards[0].button.action for one in offered] == [
        Url(URL),
        Url("https://t.me/starling_bot?start=j_8000002"),
    ]
    assert all(shown(one) for one in offered)


def test_a_links_card_says_what_the_link_is() -> None:
    assert shown(inline.links(english, cards(live()))) == (
        f"Have a look at Quiz Night in Telegram:\n{URL}\n\n"
        "Ad. This is a referral link: I earn Stars when you spend in the app."
    )


def test_what_is_known_of_a_link_is_listed_and_no_more() -> None:
    watched = live(balance_title=None, commission_permille=None, duration_months=None)
    forever = live(duration_months=None)
    listed = [card.description for card in inline.links(english, cards(live(), forever, watched)).cards]
    assert listed == ["12.5% · 1 year · Garden", "12.5% · forever · Garden", ""]


def test_a_closing_program_is_said_to_close_and_not_recommended() -> None:
    offered = inline.programs(english, programs(program(end_date=END)), US)
    assert offered.cards[0].description == "12.5% · 1 year · ⏳ closes on November 2, 2026, 9:30 AM UTC"
    text = shown(offered)
    assert "November 2, 2026" in text
    assert "share the app" not in text
    assert "share the app" in shown(inline.programs(english, programs(program()), US))


def test_strangers_names_stay_text() -> None:
    name = "<b>x</b>\n& \u202eco"
    [card] = inline.links(english, cards(live(bot_title=name, balance_title=name))).cards
    assert card.title == "<b>x</b> & co"
    assert "&lt;b&gt;x&lt;/b&gt; &amp; co" in card.text
    assert "\n" not in card.description


def test_a_next_page_is_asked_for_where_there_is_one() -> None:
    assert inline.links(english, cards(live(), pages=2)).next_offset == "1.0"
    assert inline.links(english, cards(live(), page=1, pages=2)).next_offset == ""
    assert inline.programs(english, programs(program(), page=3, pages=9), US).next_offset == f"4.{CRAWL}"
    assert len(f"{10**6}.{10**12}") <= 64
    assert CARDS_A_PAGE <= 50


def test_past_the_end_is_no_reason_to_say_that_there_is_nothing() -> None:
    assert inline.links(english, cards(page=1, pages=1)) == Offered()
    assert inline.programs(english, programs(page=1), US) == Offered()


def test_the_longest_names_fit_a_message() -> None:
    long = live(bot_title="x" * 5_000, balance_title="y" * 5_000, commission_permille=800)
    [card] = inline.links(english, cards(long)).cards
    assert len(card.text) < 4_096
    assert len(card.title) <= 256
