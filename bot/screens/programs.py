"""The list of programs, and one program's card."""

from collections.abc import Sequence
from decimal import Decimal

from bot.callbacks import AskJoin, ChooseBalance, OpenLink, OpenProgram, ProgramsPage
from bot.i18n import Html, Texts
from bot.screens.layout import Button, Screen, Url, lines, pager, paragraphs, rows_of
from bot.screens.menu import browse_button, links_button
from mtproto_bridge.protocol.replies import Balance, Program, ProgramCard, Programs

PAGE_SIZE = 6
MOST_BALANCES_NAMED = 3

_NANOS = 10**9
_PERMILLE = 1_000
_SMALLEST_SHARE = Decimal("0.0001")


def daily_share(program: Program) -> Decimal | None:
    """Stars a day one referred user brings the affiliate; None when Telegram gives no figure worth showing."""
    if program.daily_revenue_nanos is None:
        return None
    share = Decimal(program.daily_revenue_nanos) * program.commission_permille / _PERMILLE / _NANOS
    return share if share >= _SMALLEST_SHARE else None


def programs_page(texts: Texts, found: Programs) -> Screen:
    """One page of programs, a button each."""
    if not found.programs:
        return Screen(texts("programs.empty"), rows_of([links_button(texts)]))
    numbered = list(enumerate(found.programs, start=found.page * PAGE_SIZE + 1))
    text = paragraphs(
        texts.count("programs.title", found.total),
        *(_item(texts, number, program) for number, program in numbered),
    )
    buttons = [[_row_button(texts, number, program)] for number, program in numbered]
    turn = pager(texts, found.page, found.pages, lambda page: ProgramsPage(page=page))
    return Screen(text, rows_of(*buttons, *turn, [links_button(texts)]))


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


def program_card(texts: Texts, card: ProgramCard, *, note: str | None = None) -> Screen:
    """A program in full, with the way to join it; `note` is a message id."""
    program = card.program
    share = daily_share(program)
    joined = [balance for balance in card.balances if balance.joined]
    text = paragraphs(
        texts(note) if note else None,
        texts("program.title", title=program.title, username=program.username),
        offer(texts, program),
        texts("program.share", stars=texts.stars(share)) if share else None,
        texts("program.closing", date=texts.moment(program.end_date)) if program.end_date else None,
        texts("program.joined") if joined else None,
    )
    rows = rows_of(
        [join_button(texts, card)],
        *([link_button(texts, balance, program)] for balance in joined[:MOST_BALANCES_NAMED]),
        [open_button(texts, program.username)],
        [browse_button(texts), links_button(texts)],
    )
    return Screen(text, rows)


def join_button(texts: Texts, card: ProgramCard) -> Button | None:
    """Join, with the choice of the balance left out where there is one; none where nothing can be joined."""
    bot_id = card.program.bot_id
    free = [balance for balance in card.balances if not balance.joined]
    if card.program.end_date or (card.balances and not free):
        return None
    if len(card.balances) == 1:
        return Button(texts.plain("program.join_button"), AskJoin(balance_id=free[0].id, bot_id=bot_id))
    return Button(texts.plain("program.join_button"), ChooseBalance(bot_id=bot_id))


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
