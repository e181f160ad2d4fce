"""The list of programs, and one program's card."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar, get_args

from bot.callbacks import AskJoin, ChooseBalance, OpenLink, OpenProgram, OwnBalance, ProgramsPage, SearchPrograms
from bot.i18n import Html, Texts
from bot.screens.layout import Button, Screen, Url, after, lines, pager, paragraphs, rows_of, share
from bot.screens.menu import browse_button, links_button
from mtproto_bridge.protocol.replies import Balance, Program, ProgramCard, Programs
from mtproto_bridge.protocol.requests import ProgramSort

PAGE_SIZE = 6
MOST_BALANCES_NAMED = 3
KIND_MARKS = {"channel": "📢", "account": "👤", "bot": "🤖"}
MINIMA = (0, 100, 200, 300, 500)
"""Smallest commissions to choose from, in permille."""
REFERRED = (10, 100, 1_000)
"""Users the calculator counts with."""
_ORDERS: dict[ProgramSort, tuple[str, str]] = {
    "profit": ("programs.sort_profit_button", "programs.order_profit"),
    "revenue": ("programs.sort_revenue_button", "programs.order_revenue"),
    "date": ("programs.sort_date_button", "programs.order_date"),
}

_NANOS = 10**9
_PERMILLE = 1_000
_SMALLEST_SHARE = Decimal("0.0001")

T = TypeVar("T")


def daily_share(program: Program) -> Decimal | None:
    """Stars a day one referred user brings the affiliate; None when Telegram gives no figure worth showing."""
    if program.daily_revenue_nanos is None:
        return None
    share = Decimal(program.daily_revenue_nanos) * program.commission_permille / _PERMILLE / _NANOS
    return share if share >= _SMALLEST_SHARE else None


def programs_page(texts: Texts, found: Programs, *, note: str | None = None) -> Screen:
    """One page of programs, a button each; `note` is a message id."""
    if not found.programs:
        return _nothing(texts, found, note)
    here = _here(found)
    numbered = list(enumerate(found.programs, start=found.page * PAGE_SIZE + 1))
    text = paragraphs(
        texts(note) if note else None,
        lines(
            texts.count("programs.title", found.total),
            _joined(texts(_ORDERS[found.sort][1]), *_filters(texts, found)),
            _age(texts, found),
        ),
        *(_item(texts, number, program) for number, program in numbered),
    )
    buttons = [[_row_button(texts, number, program)] for number, program in numbered]
    turn = pager(texts, found.page, found.pages, lambda page: here.model_copy(update={"page": page}))
    rows = rows_of(
        *buttons,
        *turn,
        [_sort_button(texts, here), _search_button(texts, here)],
        _filter_row(texts, here),
        [_clear_button(texts, here)],
        [links_button(texts)],
    )
    return Screen(text, rows)


def _nothing(texts: Texts, found: Programs, note: str | None) -> Screen:
    """No program at all, or none that is wanted: then with the ways to want less."""
    here, filters = _here(found), _filters(texts, found)
    text = texts("programs.nothing", wanted=_joined(*filters)) if filters else texts("programs.empty")
    rows = rows_of(
        [_clear_button(texts, here)],
        _filter_row(texts, here) if filters else [],
        [_search_button(texts, here)] if filters else [],
        [links_button(texts)],
    )
    return Screen(paragraphs(texts(note) if note else None, text, _age(texts, found)), rows)


def ask_for_words(texts: Texts, here: ProgramsPage) -> Screen:
    """Which words to search for, with the way back to the list one came from."""
    return Screen(texts("programs.ask"), rows_of([Button(texts.plain("programs.back_button"), here)]))


def _here(found: Programs) -> ProgramsPage:
    return ProgramsPage(
        sort=found.sort,
        min_permille=found.min_permille,
        forever=found.forever,
        crawl=found.crawl,
        words=found.words,
    )


def _filters(texts: Texts, found: Programs) -> list[Html]:
    """What the list is narrowed to."""
    kept = (
        texts("programs.only_words", words=found.words) if found.words else None,
        texts("programs.only_minimum", commission=texts.commission(found.min_permille)) if found.min_permille else None,
        texts("programs.only_forever") if found.forever else None,
    )
    return [one for one in kept if one]


def _joined(*parts: Html) -> Html:
    return Html(" · ".join(parts))


def _age(texts: Texts, found: Programs) -> Html | None:
    return texts("programs.read_at", date=texts.moment(found.read_at)) if found.read_at else None


def _sort_button(texts: Texts, here: ProgramsPage) -> Button:
    return Button(texts.plain(_ORDERS[here.sort][0]), here.anew(sort=after(get_args(ProgramSort), here.sort)))


def _filter_row(texts: Texts, here: ProgramsPage) -> list[Button]:
    least = here.min_permille
    minimum = (
        texts.plain("programs.minimum_button", commission=texts.commission(least))
        if least
        else texts.plain("programs.no_minimum_button")
    )
    forever = texts.plain("programs.forever_on_button" if here.forever else "programs.forever_off_button")
    return [
        Button(minimum, here.anew(min_permille=after(MINIMA, least))),
        Button(forever, here.anew(forever=not here.forever)),
    ]


def _search_button(texts: Texts, here: ProgramsPage) -> Button:
    return Button(texts.plain("programs.search_button"), SearchPrograms.model_validate(here.anew().model_dump()))


def _clear_button(texts: Texts, here: ProgramsPage) -> Button | None:
    """All programs again, where not all are wanted."""
    everything = ProgramsPage(sort=here.sort)
    return Button(texts.plain("programs.clear_button"), everything) if here.anew() != everything else None


def _item(texts: Texts, number: int, program: Program) -> Html:
    share = daily_share(program)
    return lines(
        texts(
            "programs.item",
            number=texts.number(number),
            title=program.title,
            commission=texts.commission(program.commission_permille),
            duration=texts.duration(program.duration_months),
        ),
        texts("programs.item_share", stars=texts.stars(share)) if share else None,
        texts("programs.item_closing", date=texts.moment(program.end_date)) if program.end_date else None,
        texts("programs.item_joined") if program.joined else None,
    )


def _row_button(texts: Texts, number: int, program: Program) -> Button:
    text = texts.plain(
        "programs.item_button",
        number=texts.number(number),
        title=program.title,
        commission=texts.commission(program.commission_permille),
    )
    return Button(text, OpenProgram(bot_id=program.bot_id))


def offer(texts: Texts, program: Program) -> Html:
    """What a program pays: two lines that card, confirmation and link page share."""
    return lines(commission_line(texts, program.commission_permille), duration_line(texts, program.duration_months))


def commission_line(texts: Texts, permille: int) -> Html:
    """How much of what referred users spend."""
    return texts("program.commission", commission=texts.commission(permille))


def duration_line(texts: Texts, months: int | None) -> Html:
    """For how long, counted per referred user."""
    if months is None:
        return texts("program.duration_forever")
    return texts("program.duration", duration=texts.duration(months))


def program_card(texts: Texts, card: ProgramCard, us: str, *, note: str | None = None) -> Screen:
    """A program in full, with the way to join it; `us` is our username, `note` a message id."""
    program = card.program
    share = daily_share(program)
    joined = [balance for balance in card.balances if balance.joined]
    left_out = [] if program.end_date else _all_barred(card)
    text = paragraphs(
        texts(note) if note else None,
        texts("program.title", title=program.title, username=program.username),
        offer(texts, program),
        lines(texts("program.share", stars=texts.stars(share)), *_calculator(texts, share)) if share else None,
        texts("program.closing", date=texts.moment(program.end_date)) if program.end_date else None,
        texts("program.joined") if joined else None,
        lines(*(barred(texts, balance) for balance in left_out[:MOST_BALANCES_NAMED])),
    )
    rows = rows_of(
        [own_button(texts, card) if left_out else join_button(texts, card)],
        *([link_button(texts, balance, program)] for balance in joined[:MOST_BALANCES_NAMED]),
        [open_button(texts, program.username), None if program.end_date else _share_button(texts, program, us)],
        [browse_button(texts), links_button(texts)],
    )
    return Screen(text, rows)


def _calculator(texts: Texts, share: Decimal) -> list[Html]:
    """What many referred users would bring together."""
    return [texts.count("program.calculator", users, stars=texts.stars(share * users)) for users in REFERRED]


def _share_button(texts: Texts, program: Program, us: str) -> Button:
    """Send somebody our own link to this card: it is nobody's referral."""
    return Button(texts.plain("program.share_button"), share(card_link(program, us)))


def card_link(program: Program, us: str) -> str:
    """Our own link to a program's card; `us` is our username."""
    return f"https://t.me/{us}?start=j_{program.bot_id}"


def join_button(texts: Texts, card: ProgramCard) -> Button | None:
    """Join, with the choice of the balance left out where it is plain; none where nothing can be joined."""
    bot_id = card.program.bot_id
    free = [balance for balance in card.balances if not balance.joined]
    if card.program.end_date or (card.balances and not free):
        return None
    if len(card.balances) == 1 and free[0].may_connect:
        return Button(texts.plain("program.join_button"), AskJoin(balance_id=free[0].id, bot_id=bot_id))
    return Button(texts.plain("program.join_button"), ChooseBalance(bot_id=bot_id))


def _all_barred(card: ProgramCard) -> list[Balance]:
    """The balances that could join if their accounts might, where that is so of all that are left to join with."""
    free = [balance for balance in card.balances if not balance.joined]
    return [] if any(balance.may_connect for balance in free) else free


def barred(texts: Texts, balance: Balance) -> Html:
    """Why joining is hidden for a balance; its account's doing, not its owner's."""
    return texts("join.barred", mark=KIND_MARKS[balance.kind], balance=balance.title)


def own_button(texts: Texts, card: ProgramCard) -> Button:
    """For who would join in Telegram itself."""
    return Button(texts.plain("join.own_button"), OwnBalance(bot_id=card.program.bot_id))


def link_button(texts: Texts, balance: Balance, program: Program) -> Button:
    """Open the link a balance has for this program."""
    text = texts.plain("program.link_button", balance=balance.title)
    return Button(text, OpenLink(balance_id=balance.id, bot_id=program.bot_id))


def open_button(texts: Texts, username: str) -> Button:
    """Open the app itself, by nobody's referral."""
    return Button(texts.plain("program.open_button"), Url(f"https://t.me/{username}"))


def find(balances: Sequence[Balance], balance_id: int) -> Balance | None:
    """The balance with this number among those the person may act for."""
    return next((balance for balance in balances if balance.id == balance_id), None)
