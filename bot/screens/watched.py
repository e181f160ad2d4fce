"""Links that people made in Telegram itself: how to make one, whether one is alive, and those that are watched."""

from bot.callbacks import (
    CheckReferral,
    ForgetWatched,
    KeepReferral,
    LinksPage,
    OpenProgram,
    OpenWatched,
    OwnBalance,
    WatchedExtra,
    WatchedLinks,
)
from bot.i18n import Html, Texts
from bot.screens.layout import Button, Screen, Url, lines, pager, paragraphs, rows_of
from bot.screens.menu import browse_button, links_button
from bot.screens.programs import offer
from bot.screens.sharing import sharing_rows
from mtproto_bridge.protocol.links import ReferralLink, referral_in
from mtproto_bridge.protocol.replies import CheckedLink, Program, Watched, WatchedList, WatchedPage

PAGE_SIZE = 6
LONGEST_TOKEN = 28
"""Characters of a referral token that fit a button; Telegram's have 12."""


def own_balance(texts: Texts, program: Program) -> Screen:
    """How to join with one's own account, and that the link is then pasted here."""
    text = paragraphs(
        texts("watched.own_title", title=program.title),
        texts("watched.own_steps"),
        texts("watched.own_paste"),
        texts("watched.counters"),
    )
    rows = rows_of(
        [_profile_button(texts, program.username)],
        [Button(texts.plain("join.cancel_button"), OpenProgram(bot_id=program.bot_id))],
    )
    return Screen(text, rows)


def not_understood(texts: Texts) -> Screen:
    """The answer to words that hold no referral link, where one is waited for."""
    return Screen(texts("watched.not_understood"))


def _profile_button(texts: Texts, username: str) -> Button:
    """Where Telegram shows the program, and the person's own link and its counters."""
    return Button(texts.plain("watched.profile_button"), Url(f"https://t.me/{username}?profile"))


# -- any referral link -----------------------------------------------------------------------------------------


def check_button_data(link: ReferralLink) -> CheckReferral | None:
    """What a button carries that checks a link; None for a token that would not fit."""
    if len(link.token) > LONGEST_TOKEN:
        return None
    return CheckReferral(username=link.username, token=link.token)


def checked_link(texts: Texts, found: CheckedLink) -> Screen:
    """Whether somebody's link is alive, and what its program offers; it is never joined from."""
    keepable = found.alive and found.watched_id is None
    program = found.program
    text = paragraphs(
        texts("watched.check_alive" if found.alive else "watched.check_dead", username=found.bot_username),
        texts("program.title", title=program.title, username=program.username) if program else None,
        offer(texts, program) if program else None,
        _closing(texts, program),
        texts("watched.check_keep") if keepable else None,
    )
    rows = rows_of(
        [_keep_button(texts, found) if keepable else None],
        [_open_button(texts, found)],
        [Button(texts.plain("watched.program_button"), OpenProgram(bot_id=program.bot_id)) if program else None],
        [browse_button(texts), links_button(texts)],
    )
    return Screen(text, rows)


def _keep_button(texts: Texts, found: CheckedLink) -> Button | None:
    link = referral_in(found.url)
    if link is None or len(link.token) > LONGEST_TOKEN:
        return None
    return Button(texts.plain("watched.keep_button"), KeepReferral(username=link.username, token=link.token))


def _open_button(texts: Texts, found: CheckedLink) -> Button | None:
    if found.watched_id is None:
        return None
    return Button(texts.plain("watched.open_button"), OpenWatched(watched_id=found.watched_id))


# -- the person's own ------------------------------------------------------------------------------------------


def watched_page(texts: Texts, found: WatchedPage, *, note: str | None = None, page: int = 0) -> Screen:
    """One watched link; `note` is a message id, `page` the list's page to go back to."""
    link = found.watched
    text = paragraphs(
        texts(note) if note else None,
        texts("watched.title", title=link.bot_title, username=link.bot_username),
        texts("link.url", url=link.url) if link.alive else None,
        lines(_state(texts, link), texts("watched.checked", date=texts.moment(link.checked_at))),
        offer(texts, link.program) if link.program else None,
        _closing(texts, link.program) if link.alive else None,
        texts("watched.counters"),
    )
    rows = rows_of(
        *(
            sharing_rows(texts, link.url, lambda what: WatchedExtra(watched_id=link.id, what=what))
            if link.alive
            else [_rejoin_row(texts, link)]
        ),
        [
            Button(texts.plain("watched.again_button"), OpenWatched(watched_id=link.id, page=page)),
            Button(texts.plain("watched.forget_button"), ForgetWatched(watched_id=link.id, page=page)),
        ],
        [_profile_button(texts, link.bot_username)],
        [Button(texts.plain("watched.back_button"), WatchedLinks(page=page))],
    )
    return Screen(text, rows)


def _rejoin_row(texts: Texts, link: Watched) -> tuple[Button | None]:
    """A dead link's program can be joined again, unless it is closing."""
    if link.program is None or link.program.end_date:
        return (None,)
    return (Button(texts.plain("watched.rejoin_button"), OwnBalance(bot_id=link.bot_id)),)


def _state(texts: Texts, link: Watched) -> Html:
    return texts("watched.alive" if link.alive else "watched.dead")


def _closing(texts: Texts, program: Program | None) -> Html | None:
    if program is None or program.end_date is None:
        return None
    return texts("link.state_closing", date=texts.moment(program.end_date))


def watched_list(texts: Texts, found: WatchedList, *, note: str | None = None) -> Screen:
    """One page of watched links as last seen, a button each; `note` is a message id."""
    noted = texts(note) if note else None
    if not found.watched:
        return Screen(paragraphs(noted, texts("watched.empty")), rows_of([browse_button(texts), links_button(texts)]))
    numbered = list(enumerate(found.watched, start=found.page * PAGE_SIZE + 1))
    text = paragraphs(
        noted,
        texts.count("watched.list_title", found.total),
        *(_item(texts, number, link) for number, link in numbered),
        texts("watched.counters"),
    )
    rows = rows_of(
        *([_row_button(texts, number, link, found.page)] for number, link in numbered),
        *pager(texts, found.page, found.pages, lambda page: WatchedLinks(page=page)),
        [Button(texts.plain("link.back_button"), LinksPage())],
    )
    return Screen(text, rows)


def _item(texts: Texts, number: int, link: Watched) -> Html:
    return lines(
        texts("watched.item", number=texts.number(number), title=link.bot_title),
        _state(texts, link),
        _closing(texts, link.program) if link.alive else None,
    )


def _row_button(texts: Texts, number: int, link: Watched, page: int) -> Button:
    text = texts.plain("watched.item_button", number=texts.number(number), title=link.bot_title)
    return Button(text, OpenWatched(watched_id=link.id, page=page))
