"""The person's links: all of them, one of them, and revoking it."""

from decimal import Decimal
from typing import get_args

from bot.callbacks import (
    AskJoin,
    AskRevoke,
    ChooseBalance,
    ConfirmRevoke,
    Extra,
    LinkExtra,
    LinksPage,
    OpenLink,
    OpenWatched,
)
from bot.i18n import Html, Texts
from bot.screens.layout import Button, Screen, after, lines, pager, paragraphs, rows_of
from bot.screens.menu import add_channel_button, browse_button
from bot.screens.programs import commission_line, duration_line, open_button
from bot.screens.sharing import sharing_rows
from mtproto_bridge.protocol.replies import Affiliation, AffiliationPage, Affiliations, Program, Watched
from mtproto_bridge.protocol.requests import Sort

PAGE_SIZE = 6
FIRST_PAGE = LinksPage()
_ORDERS: dict[Sort, tuple[str, str]] = {
    "date": ("links.sort_date_button", "links.order_date"),
    "revenue": ("links.sort_revenue_button", "links.order_revenue"),
    "participants": ("links.sort_participants_button", "links.order_participants"),
}


def links_page(texts: Texts, found: Affiliations, *, note: str | None = None) -> Screen:
    """One page of the links of every balance and of watched ones, a button each; `note` is a message id."""
    noted = texts(note) if note else None
    if not found.links:
        message = texts("links.empty") if found.balances else texts("links.no_balances")
        add = None if found.balances else add_channel_button(texts)
        return Screen(paragraphs(noted, message), rows_of([add], [browse_button(texts)]))
    here = LinksPage(page=found.page, order=found.sort)
    numbered = list(enumerate(found.links, start=found.page * PAGE_SIZE + 1))
    text = paragraphs(
        noted,
        lines(texts.count("links.title", found.total), texts(_ORDERS[found.sort][1])),
        *(_item(texts, number, link) for number, link in numbered),
    )
    rows = rows_of(
        *([_row_button(texts, number, link, here)] for number, link in numbered),
        *pager(texts, found.page, found.pages, lambda page: LinksPage(page=page, order=here.order)),
        [_sort_button(texts, here.order) if found.total > 1 else None],
        [browse_button(texts)],
    )
    return Screen(text, rows)


def _sort_button(texts: Texts, order: Sort) -> Button:
    return Button(texts.plain(_ORDERS[order][0]), LinksPage(order=after(get_args(Sort), order)))


def _item(texts: Texts, number: int, link: Affiliation | Watched) -> Html:
    if isinstance(link, Watched):
        return lines(
            texts("links.item_watched", number=texts.number(number), title=link.bot_title),
            texts("links.item_uncounted"),
            watched_state(texts, link),
        )
    return lines(
        texts("links.item", number=texts.number(number), title=link.bot_title, balance=link.balance.title),
        texts("links.item_stats", users=texts.count("link.users", link.participants), stars=texts.stars(link.revenue)),
        _state(texts, link) or texts("link.state_alive"),
    )


def _row_button(texts: Texts, number: int, link: Affiliation | Watched, here: LinksPage) -> Button:
    if isinstance(link, Watched):
        text = texts.plain("links.item_watched_button", number=texts.number(number), title=link.bot_title)
        return Button(text, OpenWatched(watched_id=link.id, page=here.page, order=here.order))
    text = texts.plain(
        "links.item_button", number=texts.number(number), title=link.bot_title, balance=link.balance.title
    )
    return Button(text, OpenLink(balance_id=link.balance.id, bot_id=link.bot_id, page=here.page, order=here.order))


def watched_state(texts: Texts, link: Watched) -> Html:
    """Whether a watched link is alive, as last seen."""
    if not link.alive:
        return texts("watched.dead")
    return closing(texts, link.program) or texts("link.state_alive")


def closing(texts: Texts, program: Program | None) -> Html | None:
    """That the program of a link closes, and when; None when it does not."""
    if program is None or program.end_date is None:
        return None
    return texts("link.state_closing", date=texts.moment(program.end_date))


def _state(texts: Texts, link: Affiliation) -> Html | None:
    """What is the matter with a link; None when nothing is."""
    if link.program_state == "ended":
        return texts("link.state_ended")
    if link.revoked:
        return texts("link.state_revoked")
    if link.program_state == "closing":
        if link.end_date is None:
            return texts("link.state_closing_soon")
        return texts("link.state_closing", date=texts.moment(link.end_date))
    return None


def is_alive(link: Affiliation) -> bool:
    """Whether a link still brings in new people; one of a closing program does until the end."""
    return not link.revoked and link.program_state != "ended"


def link_page(texts: Texts, found: AffiliationPage, *, note: str | None = None, back: LinksPage = FIRST_PAGE) -> Screen:
    """One link with its figures; `note` is a message id, `back` the page of the list to go back to."""
    link = found.affiliation
    alive = is_alive(link)
    text = paragraphs(
        texts(note) if note else None,
        texts("link.title", title=link.bot_title, balance=link.balance.title),
        texts("link.url", url=link.url) if alive and link.url else None,
        _state(texts, link),
        _figures(texts, link),
        lines(
            commission_line(texts, link.commission_permille),
            duration_line(texts, link.duration_months),
            texts("link.since", date=texts.day(link.date.date())),
        ),
    )
    rows = (_live_buttons(texts, link, back) if alive else _dead_buttons(texts, link)) + rows_of(
        [back_button(texts, back)]
    )
    return Screen(text, rows)


def back_button(texts: Texts, back: LinksPage) -> Button:
    """Back to the list."""
    return Button(texts.plain("link.back_button"), back)


def _figures(texts: Texts, link: Affiliation) -> Html:
    each = Decimal(link.revenue) / link.participants if link.participants > 0 else None
    return lines(
        texts.count("link.users", link.participants),
        texts("link.earned", stars=texts.stars(link.revenue)),
        texts("link.per_user", stars=texts.stars(round(each, 2))) if each is not None else None,
    )


def _live_buttons(texts: Texts, link: Affiliation, back: LinksPage) -> tuple[tuple[Button, ...], ...]:
    here = {"balance_id": link.balance.id, "bot_id": link.bot_id, "page": back.page, "order": back.order}
    another = Button(texts.plain("join.other_balance_button"), ChooseBalance(bot_id=link.bot_id))
    return rows_of(
        *(sharing_rows(texts, link.url, lambda what: _extra(link, what)) if link.url else ()),
        [
            Button(texts.plain("link.refresh_button"), OpenLink.model_validate(here)),
            Button(texts.plain("link.revoke_button"), AskRevoke.model_validate(here)),
        ],
        [another if link.program_state == "active" else None, open_button(texts, link.bot_username)],
    )


def _extra(link: Affiliation, what: Extra) -> LinkExtra:
    return LinkExtra(balance_id=link.balance.id, bot_id=link.bot_id, what=what)


def _dead_buttons(texts: Texts, link: Affiliation) -> tuple[tuple[Button, ...], ...]:
    if link.program_state != "active":  # there is nothing to join again
        return rows_of([browse_button(texts)])
    rejoin = Button(texts.plain("link.rejoin_button"), AskJoin(balance_id=link.balance.id, bot_id=link.bot_id))
    return rows_of([rejoin], [open_button(texts, link.bot_username)])


def confirm_revoke(
    texts: Texts, found: AffiliationPage, nonce: str, *, note: str | None = None, back: LinksPage = FIRST_PAGE
) -> Screen:
    """What will be true after revoking, promising no more than Telegram does. `note` is a message id."""
    link = found.affiliation
    text = paragraphs(
        texts(note) if note else None,
        texts("revoke.title", title=link.bot_title, balance=link.balance.title),
        texts("link.url", url=link.url) if link.url else None,
        texts("revoke.confirm"),
    )
    yes = ConfirmRevoke(balance_id=link.balance.id, bot_id=link.bot_id, affiliation_id=link.id, nonce=nonce)
    keep = OpenLink(balance_id=link.balance.id, bot_id=link.bot_id, page=back.page, order=back.order)
    return Screen(
        text,
        rows_of([Button(texts.plain("revoke.yes_button"), yes)], [Button(texts.plain("revoke.keep_button"), keep)]),
    )


def revoking(texts: Texts) -> Screen:
    """Shown while Telegram is asked."""
    return Screen(texts("revoke.progress"))


def after_join(found: AffiliationPage) -> str:
    """The note on a link page that a join led to."""
    if found.replaced_link:
        return "link.note_replaced"
    return "link.note_joined" if found.changed else "link.note_already_joined"


def after_revoke(found: AffiliationPage) -> str:
    """The note on a link page that a revoke led to. The balance may have joined again since: that link lives."""
    if not found.affiliation.revoked:
        return "link.note_newer"
    return "link.note_revoked" if found.changed else "link.note_already_revoked"
