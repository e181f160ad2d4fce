"""Each screen says what a person must know, in every state; Telegram would take every one of them."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.callbacks import (
    AcceptTerms,
    AddChannel,
    AskJoin,
    AskRevoke,
    ChooseBalance,
    ConfirmJoin,
    ConfirmRevoke,
    LinkExtra,
    LinksPage,
    OpenLink,
    OpenProgram,
    OpenWatched,
    OwnBalance,
    ProgramsPage,
    SearchPrograms,
)
from bot.i18n import Texts, tidy
from bot.screens import Copy, Url, join, menu
from bot.screens import links as link_screens
from bot.screens import programs as program_screens
from mtproto_bridge.protocol.ids import BalanceId, BotId, WatchedId
from mtproto_bridge.protocol.replies import Affiliation, Balance, Programs, Watched
from mtproto_bridge.protocol.requests import TERMS_VERSION, Sort
from tests.unit.bot_samples import (
    CRAWL,
    END,
    GARDEN,
    KITCHEN,
    NONCE,
    NOW,
    URL,
    actions,
    card,
    checked,
    english,
    labels,
    link,
    links,
    page,
    program,
    programs,
    russian,
    watched,
    words,
)

BOTH = pytest.mark.parametrize("texts", [english, russian], ids=["en", "ru"])
BOT = BotId(8000002)
US = "starling_bot"
HERE = LinksPage(page=3, order="revenue")
JOINED = GARDEN.model_copy(update={"joined": True})
BARRED = GARDEN.model_copy(update={"may_connect": False})


# -- programs -------------------------------------------------------------------------------------------------


def test_a_list_of_programs_names_commission_duration_share_and_marks() -> None:
    closing = program(bot_id=BotId(5), title="Farm", end_date=END, duration_months=None)
    shown = checked(program_screens.programs_page(english, programs(program(joined=True), closing)))
    said = words(shown)
    assert "1. Quiz Night\n12.5% · 1 year" in said
    assert "about ⭐ 0.25 Stars a day" in said
    assert "joined" in said
    assert "forever" in said
    assert "closes on November 2, 2026" in said
    assert labels(shown)[:2] == ["1. Quiz Night · 12.5%", "2. Farm · 12.5%"]


def test_numbers_go_on_over_pages_and_both_ways_are_open_in_the_middle() -> None:
    shown = checked(program_screens.programs_page(english, programs(program(), page=1, pages=3, total=13)))
    assert "7. Quiz Night" in words(shown)
    assert labels(shown)[1:4] == ["◀", "2/3", "▶"]


def test_the_first_page_has_no_way_back_and_the_last_none_on() -> None:
    first = program_screens.programs_page(english, programs(program(), page=0, pages=2))
    last = program_screens.programs_page(english, programs(program(), page=1, pages=2))
    assert "◀" not in labels(first)
    assert "▶" not in labels(last)


def test_one_page_has_no_pager() -> None:
    assert "1/1" not in labels(program_screens.programs_page(english, programs(program())))


@BOTH
def test_no_programs_at_all_is_a_sentence_with_a_next_step(texts: Texts) -> None:
    shown = checked(program_screens.programs_page(texts, programs(crawl=0, read_at=None)))
    assert "@username" in words(shown)
    assert shown.rows
    assert not any(isinstance(action, ProgramsPage) for action in actions(shown)), "there is nothing to loosen"


def narrowed(**changes: Any) -> Programs:
    wanted = {"sort": "revenue", "min_permille": 200, "forever": True, "words": "quiz"}
    return programs(program(), page=1, pages=3, total=13, **wanted | changes)


def test_a_list_says_its_order_what_it_is_narrowed_to_and_how_old_it_is() -> None:
    said = words(checked(program_screens.programs_page(english, narrowed())))
    assert "13 affiliate programs\nthe highest revenue first · “quiz” · 20% or more · forever only\n" in said
    assert "As of November 1, 2026, 12:00 PM UTC" in said
    assert "the most profitable first\nAs of" in words(program_screens.programs_page(english, programs(program())))


def test_paging_stays_in_the_same_search_and_the_same_reading() -> None:
    shown = program_screens.programs_page(english, narrowed())
    here = ProgramsPage(sort="revenue", min_permille=200, forever=True, words="quiz", crawl=CRAWL)
    by_label = dict(zip(labels(shown), actions(shown), strict=True))
    pages = [by_label[label] for label in ("◀", "2/3", "▶")]
    assert pages == [here.model_copy(update={"page": page}) for page in (0, 1, 2)]


def test_another_order_or_filter_begins_anew_with_the_rest_as_it_was() -> None:
    shown = program_screens.programs_page(english, narrowed())
    here = ProgramsPage(sort="revenue", min_permille=200, forever=True, words="quiz")
    by_label = dict(zip(labels(shown), actions(shown), strict=True))
    assert by_label["↕ Revenue"] == here.anew(sort="date")
    assert by_label["Commission: 20%+"] == here.anew(min_permille=300)
    assert by_label["☑ Forever only"] == here.anew(forever=False)
    assert by_label["🔎 Search"] == SearchPrograms.model_validate(here.model_dump())
    assert by_label["✖ Show all programs"] == ProgramsPage(sort="revenue")


@pytest.mark.parametrize(("now", "then"), [(0, 100), (100, 200), (200, 300), (300, 500), (500, 0), (150, 0)], ids=str)
def test_the_smallest_commission_goes_round_and_a_forged_one_comes_back(now: int, then: int) -> None:
    shown = program_screens.programs_page(english, programs(program(), min_permille=now))
    assert ProgramsPage(min_permille=then) in actions(shown)


def test_the_order_goes_round() -> None:
    sorts = ("profit", "revenue", "date", "profit")
    for now, then in pairwise(sorts):
        shown = program_screens.programs_page(english, programs(program(), sort=now))
        assert ProgramsPage().anew(sort=then) in actions(shown)


def test_what_is_not_narrowed_needs_no_way_out() -> None:
    assert "✖ Show all programs" not in labels(program_screens.programs_page(english, programs(program())))


@BOTH
def test_where_nothing_is_found_it_says_for_what_and_how_to_ask_for_less(texts: Texts) -> None:
    empty = programs(total=0, sort="date", min_permille=500, forever=True, words="<quiz>")
    shown = checked(program_screens.programs_page(texts, empty))
    assert "<quiz>" in words(shown)
    assert tidy(texts.commission(500)) in words(shown)
    wanted = ProgramsPage(sort="date", min_permille=500, forever=True, words="<quiz>")
    for way in (ProgramsPage(sort="date"), wanted.anew(min_permille=0), wanted.anew(forever=False)):
        assert way in actions(shown)


@BOTH
def test_a_renewed_list_says_so(texts: Texts) -> None:
    for found in (programs(program()), programs(words="quiz")):
        shown = checked(program_screens.programs_page(texts, found, note="programs.note_renewed"))
        assert shown.text.startswith(texts("programs.note_renewed"))


@BOTH
def test_the_question_for_words_leads_back_to_the_list(texts: Texts) -> None:
    here = ProgramsPage(sort="date", words="quiz")
    shown = checked(program_screens.ask_for_words(texts, here))
    assert actions(shown) == [here]
    assert "/cancel" in words(shown)


@pytest.mark.parametrize(
    ("nanos", "share"), [(None, None), (0, None), (1_000, None), (2_000_000_000, Decimal("0.25")), (8, None)]
)
def test_the_share_is_hidden_when_telegram_gives_no_figure(nanos: int | None, share: Decimal | None) -> None:
    found = program(daily_revenue_nanos=nanos)
    assert program_screens.daily_share(found) == share
    assert ("Your share" in words(program_screens.program_card(english, card(daily_revenue_nanos=nanos), US))) == bool(
        share
    )


def test_the_calculator_says_what_many_referred_users_would_bring_at_that_share() -> None:
    said = words(program_screens.program_card(english, card(), US))
    assert "👥 10 users: about ⭐ 2.5 Stars a day" in said
    assert "👥 100 users: about ⭐ 25 Stars a day" in said
    assert "👥 1,000 users: about ⭐ 250 Stars a day" in said
    assert "👥" not in words(program_screens.program_card(english, card(daily_revenue_nanos=None), US))


@BOTH
def test_a_program_is_shared_by_our_own_link_while_it_can_be_joined(texts: Texts) -> None:
    link = Url("https://t.me/share/url?url=https%3A%2F%2Ft.me%2Fstarling_bot%3Fstart%3Dj_8000002")
    assert link in actions(checked(program_screens.program_card(texts, card(GARDEN), US)))
    assert link not in actions(program_screens.program_card(texts, card(GARDEN, end_date=END), US))


def test_a_card_says_what_is_paid_and_for_how_long_per_referred_user() -> None:
    said = words(checked(program_screens.program_card(english, card(GARDEN), US)))
    assert "Quiz Night · @quiz_bot" in said
    assert "12.5% of the Stars a referred user spends" in said
    assert "1 year from a referred user’s first start" in said
    assert "for as long as" in words(program_screens.program_card(english, card(duration_months=None), US))


def test_join_goes_straight_to_the_confirmation_with_one_balance_and_asks_with_several_or_none() -> None:
    one = program_screens.join_button(english, card(GARDEN))
    several = program_screens.join_button(english, card(GARDEN, KITCHEN))
    none = program_screens.join_button(english, card())
    assert one is not None
    assert one.action == AskJoin(balance_id=GARDEN.id, bot_id=BOT)
    assert several is not None
    assert none is not None
    assert several.action == none.action == ChooseBalance(bot_id=BOT)


def test_a_balance_that_has_joined_leads_to_its_link() -> None:
    shown = checked(program_screens.program_card(english, card(JOINED), US))
    assert "Join" not in labels(shown)
    assert OpenLink(balance_id=GARDEN.id, bot_id=BOT) in actions(shown)
    both = program_screens.program_card(english, card(JOINED, KITCHEN), US)
    assert "Join" in labels(both)


@BOTH
def test_a_closing_program_says_when_and_cannot_be_joined(texts: Texts) -> None:
    shown = checked(program_screens.program_card(texts, card(GARDEN, end_date=END), US))
    assert texts.moment(END) in shown.text
    assert not any(isinstance(action, AskJoin | ChooseBalance) for action in actions(shown))


# -- join -----------------------------------------------------------------------------------------------------


def test_the_confirmation_of_a_join_says_everything_that_will_be_true() -> None:
    shown = checked(join.confirm_join(english, card(GARDEN), GARDEN, NONCE))
    said = words(shown)
    assert "Quiz Night" in said
    assert "12.5%" in said
    assert "1 year" in said
    assert "Balance that earns: 📢 Garden" in said
    assert "can never be changed" in said
    assert "Stars cannot be moved from one balance to another" in said
    assert "21 days" in said
    assert "https://telegram.org/tos/affiliate-program" in shown.text
    assert ConfirmJoin(balance_id=GARDEN.id, bot_id=BOT, nonce=NONCE) in actions(shown)


def test_the_russian_confirmation_says_it_too() -> None:
    said = words(checked(join.confirm_join(russian, card(GARDEN), GARDEN, NONCE)))
    assert all(
        part in said for part in ("Garden", "12,5", "1 год", "Изменить это будет нельзя", "21 день", "перевести")
    )


@BOTH
def test_the_terms_say_all_an_affiliate_must_know(texts: Texts) -> None:
    shown = checked(join.terms(texts, card(GARDEN), GARDEN))
    assert "https://telegram.org/tos/affiliate-program" in shown.text
    assert actions(shown) == [
        AcceptTerms(balance_id=GARDEN.id, bot_id=BOT, version=TERMS_VERSION),
        OpenProgram(bot_id=BOT),
    ]
    said = words(shown)
    assert "21" in said
    assert said.count("\n• ") == 5


def test_the_terms_promise_and_forbid_what_telegram_does() -> None:
    said = words(join.terms(english, card(GARDEN), GARDEN))
    for rule in (
        "spend after they first start the app through your link",
        "for as long as its program says, and from nothing else",
        "holds each commission for 21 days",
        "refunded, its commission is taken back",
        "Stars can never be moved from one balance to another",
        "No spam, no messages to strangers, no inflated figures",
        "Where the law requires it, say that your link is an affiliate link",
    ):
        assert rule in said


@BOTH
def test_a_balance_whose_account_may_not_join_is_named_with_the_reason_and_cannot_be_chosen(texts: Texts) -> None:
    shown = checked(join.choose_balance(texts, card(BARRED, KITCHEN)))
    assert texts("join.barred", mark="📢", balance="Garden") in shown.text
    assert AskJoin(balance_id=GARDEN.id, bot_id=BOT) not in actions(shown)
    assert AskJoin(balance_id=KITCHEN.id, bot_id=BOT) in actions(shown)
    assert AddChannel() not in actions(shown)


def test_a_link_that_a_barred_balance_has_stays_open() -> None:
    shown = checked(join.choose_balance(english, card(BARRED.model_copy(update={"joined": True}), KITCHEN)))
    assert OpenLink(balance_id=GARDEN.id, bot_id=BOT) in actions(shown)
    assert "at present" not in words(shown)


@pytest.mark.parametrize("balance", [JOINED, BARRED], ids=["joined", "barred"])
def test_where_no_balance_is_left_to_join_with_a_channel_can_be_added(balance: Balance) -> None:
    shown = checked(join.choose_balance(english, card(balance)))
    assert AddChannel() in actions(shown)
    assert OwnBalance(bot_id=BOT) in actions(shown)


@BOTH
def test_a_card_says_why_instead_of_offering_to_join_where_every_balance_is_barred(texts: Texts) -> None:
    reason = texts("join.barred", mark="📢", balance="Garden")
    joined = KITCHEN.model_copy(update={"joined": True})
    for balances in ([BARRED], [BARRED, joined]):
        shown = checked(program_screens.program_card(texts, card(*balances), US))
        assert reason in shown.text
        assert texts.plain("program.join_button") not in labels(shown)
        assert OwnBalance(bot_id=BOT) in actions(shown)
    for offered in (card(BARRED, KITCHEN), card(BARRED, end_date=END), card(joined), card()):
        assert reason not in program_screens.program_card(texts, offered, US).text
    assert texts.plain("program.join_button") in labels(program_screens.program_card(texts, card(BARRED, KITCHEN), US))


def test_another_balance_is_offered_only_where_there_is_one() -> None:
    assert "Another balance" not in labels(join.confirm_join(english, card(GARDEN), GARDEN, NONCE))
    assert "Another balance" in labels(join.confirm_join(english, card(GARDEN, KITCHEN), GARDEN, NONCE))


def test_choosing_a_balance_marks_the_joined_ones_and_opens_their_link() -> None:
    shown = checked(join.choose_balance(english, card(JOINED, KITCHEN)))
    assert labels(shown) == ["📢 Garden ✅", "📢 Kitchen", "My own balance", "Not now"]
    assert actions(shown)[:2] == [
        OpenLink(balance_id=GARDEN.id, bot_id=BOT),
        AskJoin(balance_id=KITCHEN.id, bot_id=BOT),
    ]


def test_hundreds_of_balances_come_in_pages() -> None:
    many = [GARDEN.model_copy(update={"id": BalanceId(n), "title": f"Channel {n}"}) for n in range(1, 501)]
    shown = checked(join.choose_balance(english, card(*many), 62))
    assert "📢 Channel 500" in labels(shown)
    assert "63/63" in labels(shown)
    assert "63/63" in labels(join.choose_balance(english, card(*many), 9_999))


@BOTH
def test_without_a_balance_it_says_what_is_possible(texts: Texts) -> None:
    shown = checked(join.choose_balance(texts, card()))
    assert "Quiz Night" in words(shown)
    assert OwnBalance(bot_id=BOT) in actions(shown)


def test_ones_own_balance_is_offered_beside_the_registered_ones() -> None:
    shown = checked(join.choose_balance(english, card(GARDEN, KITCHEN)))
    assert OwnBalance(bot_id=BOT) in actions(shown)


def test_while_joining_there_is_nothing_to_tap() -> None:
    assert join.joining(english).rows == ()
    assert link_screens.revoking(english).rows == ()


# -- one link -------------------------------------------------------------------------------------------------


def test_a_links_page_shows_the_link_and_what_it_earns() -> None:
    shown = checked(link_screens.link_page(english, page()))
    said = words(shown)
    assert f"<code>{URL}</code>" in shown.text
    assert "4 users referred" in said
    assert "Earned: ⭐ 30 Stars" in said
    assert "Per referred user: ⭐ 7.5 Stars" in said
    assert "Since: November 1, 2026" in said
    assert "Quiz Night → Garden" in said
    assert Copy(URL) in actions(shown)
    assert Url("https://t.me/share/url?url=https%3A%2F%2Ft.me%2Fquiz_bot%3Fstart%3D_tgr_AbCdEfGh1234") in actions(shown)
    assert Url("https://t.me/quiz_bot") in actions(shown)


def test_a_live_links_page_offers_picture_post_and_another_balance() -> None:
    shown = checked(link_screens.link_page(english, page()))
    by_label = dict(zip(labels(shown), actions(shown), strict=True))
    assert by_label["QR picture"] == LinkExtra(balance_id=GARDEN.id, bot_id=BOT, what="picture")
    assert by_label["Text to post"] == LinkExtra(balance_id=GARDEN.id, bot_id=BOT, what="post")
    assert by_label["Another balance"] == ChooseBalance(bot_id=BOT)


def test_a_dead_link_offers_nothing_to_post_and_a_closing_program_no_other_balance() -> None:
    for dead in (page(revoked=True), page(revoked=True, program_state="ended")):
        shown = link_screens.link_page(english, dead)
        assert not any(isinstance(action, LinkExtra | ChooseBalance) for action in actions(shown))
    closing = link_screens.link_page(english, page(program_state="closing", end_date=END))
    assert LinkExtra(balance_id=GARDEN.id, bot_id=BOT, what="post") in actions(closing), "it works until the end"
    assert "Another balance" not in labels(closing)


def test_stars_per_user_are_not_said_of_nobody() -> None:
    assert "Per referred user" not in words(link_screens.link_page(english, page(participants=0)))


def test_the_way_back_leads_to_the_page_one_came_from() -> None:
    shown = link_screens.link_page(english, page(), back=HERE)
    assert HERE in actions(shown)
    assert AskRevoke(balance_id=GARDEN.id, bot_id=BOT, page=3, order="revenue") in actions(shown)


@BOTH
def test_a_revoked_link_says_so_shows_no_url_and_offers_to_rejoin(texts: Texts) -> None:
    shown = checked(link_screens.link_page(texts, page(revoked=True)))
    assert texts("link.state_revoked") in shown.text
    assert URL not in shown.text
    assert AskJoin(balance_id=GARDEN.id, bot_id=BOT) in actions(shown)
    assert not any(isinstance(action, AskRevoke | Copy) for action in actions(shown))


def test_where_the_program_has_ended_there_is_nothing_to_rejoin() -> None:
    shown = checked(link_screens.link_page(english, page(revoked=True, program_state="ended")))
    assert "program has ended" in words(shown)
    assert not any(isinstance(action, AskJoin | AskRevoke) for action in actions(shown))


def test_a_closing_program_is_said_on_the_links_page_and_the_link_still_works() -> None:
    shown = checked(link_screens.link_page(english, page(program_state="closing", end_date=END)))
    assert "closes on November 2, 2026" in words(shown)
    assert URL in shown.text
    undated = checked(link_screens.link_page(english, page(program_state="closing")))
    assert "is closing" in words(undated)


@pytest.mark.parametrize(
    ("changed", "replaced", "said"),
    [(True, False, "This is your link"), (True, True, "replace it everywhere"), (False, False, "had already joined")],
)
def test_after_a_join_it_says_whether_the_link_is_new(changed: bool, replaced: bool, said: str) -> None:
    found = page(changed=changed, replaced_link=replaced)
    shown = checked(link_screens.link_page(english, found, note=link_screens.after_join(found)))
    assert said in words(shown)


@pytest.mark.parametrize(
    ("changed", "revoked", "said"),
    [(True, True, "link is revoked"), (False, True, "already revoked"), (False, False, "joined again")],
)
def test_after_a_revoke_it_says_what_was_done(changed: bool, revoked: bool, said: str) -> None:
    found = page(changed=changed, revoked=revoked)
    assert said in words(checked(link_screens.link_page(english, found, note=link_screens.after_revoke(found))))


def test_the_confirmation_of_a_revoke_promises_no_more_than_telegram_does() -> None:
    shown = checked(link_screens.confirm_revoke(english, page(), NONCE, back=HERE))
    said = words(shown)
    assert "stops working for new people at once" in said
    assert "when a program ends" in said
    assert "For a revoked link it promises nothing" in said
    assert actions(shown) == [
        ConfirmRevoke(balance_id=GARDEN.id, bot_id=BOT, affiliation_id=link().id, nonce=NONCE),
        OpenLink(balance_id=GARDEN.id, bot_id=BOT, page=3, order="revenue"),
    ]


def test_the_russian_confirmation_of_a_revoke_promises_no_more_either() -> None:
    said = words(checked(link_screens.confirm_revoke(russian, page(), NONCE)))
    assert "Для отозванной ссылки такого обещания нет" in said


# -- all links ------------------------------------------------------------------------------------------------


def test_the_list_of_links_names_balance_figures_and_marks() -> None:
    dead = link(bot_title="Farm", revoked=True, participants=1, revenue=1)
    shown = checked(link_screens.links_page(english, links(link(), dead)))
    said = words(shown)
    assert "1. Quiz Night → Garden\n👥 4 users referred · ⭐ 30 Stars\n✅ Alive" in said
    assert "2. Farm → Garden\n👥 1 user referred · ⭐ 1 Star\n🚫" in said
    assert OpenLink(balance_id=GARDEN.id, bot_id=BOT, page=0) in actions(shown)


@BOTH
def test_no_links_and_no_balances_are_told_apart(texts: Texts) -> None:
    without_links = checked(link_screens.links_page(texts, links()))
    without_balances = checked(link_screens.links_page(texts, links(balances=0)))
    assert without_links.text != without_balances.text
    assert without_links.rows
    assert without_balances.rows


NEWER, OLDER = NOW + timedelta(days=1), NOW - timedelta(days=1)


def test_watched_links_stand_among_the_others_by_date_and_say_where_their_counters_are() -> None:
    found = links(link(), watched(added_at=NEWER), watched(id=WatchedId(6), bot_title="Farm", added_at=OLDER))
    shown = checked(link_screens.links_page(english, found))
    said = words(shown)
    assert "3 links\nthe newest first" in said
    assert "1. Quiz Night → your own balance\nIts counters are visible only in Telegram.\n✅ Alive" in said
    assert "2. Quiz Night → Garden\n👥" in said
    assert "3. Farm → your own balance" in said
    assert OpenWatched(watched_id=WatchedId(6)) in actions(shown)


@pytest.mark.parametrize("sort", ["revenue", "participants"])
def test_where_counters_decide_watched_links_come_last(sort: Sort) -> None:
    found = links(link(), watched(added_at=NEWER), sort=sort)
    said = words(checked(link_screens.links_page(english, found)))
    assert said.index("→ Garden") < said.index("→ your own balance")
    assert "first" in said


@BOTH
@pytest.mark.parametrize(
    ("one", "mark"),
    [
        (link(), "✅"),
        (link(revoked=True), "🚫"),
        (link(program_state="closing", end_date=END), "⏳"),
        (link(program_state="ended"), "🚫"),
        (watched(), "✅"),
        (watched(alive=False, program=None), "🚫"),
        (watched(program=program(end_date=END)), "⏳"),
    ],
)
def test_each_link_has_one_mark_of_its_health(texts: Texts, one: Affiliation | Watched, mark: str) -> None:
    said = words(checked(link_screens.links_page(texts, links(one))))
    assert [sign for sign in said if sign in "✅🚫⏳"] == [mark]


def test_one_button_goes_round_the_orders_and_pages_keep_theirs() -> None:
    orders: list[object] = []
    for sort in ("date", "revenue", "participants"):
        shown = checked(link_screens.links_page(english, links(link(), link(), pages=3, page=1, sort=sort)))
        assert LinksPage(page=0, order=sort) in actions(shown)
        assert LinksPage(page=2, order=sort) in actions(shown)
        assert OpenLink(balance_id=GARDEN.id, bot_id=BOT, page=1, order=sort) in actions(shown)
        orders += [one.action for row in shown.rows for one in row if one.text.startswith("↕")]
    assert orders == [LinksPage(order=order) for order in ("revenue", "participants", "date")]
    alone = link_screens.links_page(english, links(link()))
    assert not any(label.startswith("↕") for label in labels(alone)), "there is nothing to sort"


def test_a_full_page_of_the_longest_names_fits_a_message() -> None:
    long = link(bot_title="W" * 300, balance=GARDEN.model_copy(update={"title": "<" * 300}))
    checked(link_screens.links_page(english, links(*[long] * 6, pages=9)))


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_title_breaks_a_screen(title: str, balance_title: str) -> None:
    balance = GARDEN.model_copy(update={"title": balance_title})
    checked(
        program_screens.programs_page(english, programs(program(title=title), words=ProgramsPage(words=title).words))
    )
    checked(join.choose_balance(english, card(balance, KITCHEN, title=title)))
    checked(join.choose_balance(english, card(balance.model_copy(update={"may_connect": False}), title=title)))
    checked(join.confirm_join(english, card(balance, title=title), balance, NONCE))
    checked(link_screens.link_page(english, page(bot_title=title, balance=balance)))
    checked(link_screens.links_page(english, links(link(bot_title=title, balance=balance))))


# -- around ---------------------------------------------------------------------------------------------------


@BOTH
def test_the_screens_around_are_right(texts: Texts) -> None:
    for shown in (
        menu.start(texts),
        menu.stale(texts),
        menu.help_page(texts),
        menu.cancelled(texts, something=True),
        menu.cancelled(texts, something=False),
        menu.hint(texts),
        menu.unknown_command(texts),
        menu.group_notice(texts, "starling_bot"),
        join.ask_for_program(texts, not_understood=True),
    ):
        assert checked(shown).rows


def test_the_start_offers_three_ways_to_begin() -> None:
    assert labels(checked(menu.start(english))) == ["Browse programs", "Add my channel", "My links"]


def test_who_has_no_balance_is_led_to_adding_a_channel() -> None:
    assert AddChannel() in actions(join.choose_balance(english, card()))
    assert AddChannel() in actions(link_screens.links_page(english, links(balances=0)))


def test_help_names_every_command_and_warns_of_codes() -> None:
    said = words(menu.help_page(english))
    assert all(command in said for command in ("/programs", "/join", "/links", "/check", "/channels", "/cancel"))
    assert "never asks for a login code or a password" in said
