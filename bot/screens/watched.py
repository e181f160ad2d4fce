"""Links that people made in Telegram itself: how to make one, whether one is alive, and those that are watched."""

from bot.callbacks import (
    CheckReferral,
    ForgetWatched,
    KeepReferral,
    LinksPage,
    OpenLink,
    OpenProgram,
    OpenWatched,
    OwnBalance,
    WatchedExtra,
)
from bot.i18n import Html, Texts
from bot.screens.layout import Button, Screen, Url, lines, paragraphs, rows_of
from bot.screens.links import FIRST_PAGE, back_button, closing, watched_state
from bot.screens.menu import browse_button, links_button
from bot.screens.programs import offer
from bot.screens.sharing import sharing_rows
from mtproto_bridge.protocol.links import ReferralLink, referral_in
from mtproto_bridge.protocol.replies import CheckedLink, Program, Watched, WatchedPage

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


def ask_for_link(texts: Texts, *, not_understood: bool = False) -> Screen:
    """Which link to check."""
    return Screen(texts("watched.check_not_understood" if not_understood else "watched.check_ask"))


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
    """Whether a link is alive, what its program offers, and whose it is; it is never joined from."""
    keepable = found.alive and found.watched_id is None and found.own is None
    program = found.program
    text = paragraphs(
        texts("watched.check_alive" if found.alive else "watched.check_dead", username=found.bot_username),
        texts("program.title", title=program.title, username=program.username) if program else None,
        offer(texts, program) if program else None,
        closing(texts, program) if found.alive else None,
        _whose(texts, found),
        texts("watched.check_keep") if keepable else None,
    )
    rows = rows_of(
        [_keep_button(texts, found) if keepable else None],
        [_open_button(texts, found)],
        [_own_button(texts, found)],
        [Button(texts.plain("watched.program_button"), OpenProgram(bot_id=program.bot_id)) if program else None],
        [browse_button(texts), links_button(texts)],
    )
    return Screen(text, rows)


def _whose(texts: Texts, found: CheckedLink) -> Html:
    if found.own and not found.newest:
        return texts("watched.check_older", balance=found.own.balance.title)
    return texts("watched.check_kept" if found.watched_id or found.own else "watched.check_not_yours")


def _own_button(texts: Texts, found: CheckedLink) -> Button | None:
    if found.own is None:
        return None
    newest = OpenLink(balance_id=found.own.balance.id, bot_id=found.own.bot_id)
    return Button(texts.plain("watched.open_button" if found.newest else "watched.newest_button"), newest)


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


def watched_page(texts: Texts, found: WatchedPage, *, note: str | None = None, back: LinksPage = FIRST_PAGE) -> Screen:
    """One watched link; `note` is a message id, `back` the page of the list to go back to."""
    link = found.watched
    text = paragraphs(
        texts(note) if note else None,
        texts("watched.title", title=link.bot_title, username=link.bot_username),
        texts("link.url", url=link.url) if link.alive else None,
        lines(watched_state(texts, link), texts("watched.checked", date=texts.moment(link.checked_at))),
        offer(texts, link.program) if link.program else None,
        texts("watched.counters"),
    )
    here = {"watched_id": link.id, "page": back.page, "order": back.order}
    rows = rows_of(
        *(
            sharing_rows(texts, link.url, lambda what: WatchedExtra(watched_id=link.id, what=what))
            if link.alive
            else [_rejoin_row(texts, link)]
        ),
        [
            Button(texts.plain("watched.again_button"), OpenWatched.model_validate(here)),
            Button(texts.plain("watched.forget_button"), ForgetWatched.model_validate(here)),
        ],
        [_profile_button(texts, link.bot_username)],
        [back_button(texts, back)],
    )
    return Screen(text, rows)


def _rejoin_row(texts: Texts, link: Watched) -> tuple[Button | None]:
    """A dead link's program can be joined again, unless it is closing."""
    if link.program is None or link.program.end_date:
        return (None,)
    return (Button(texts.plain("watched.rejoin_button"), OwnBalance(bot_id=link.bot_id)),)
