"""Joining a program: which one, for which balance, the terms, the confirmation, and that it goes on."""

from bot.callbacks import AcceptTerms, AskJoin, ChooseBalance, ConfirmJoin, OpenLink, OpenProgram
from bot.i18n import Texts
from bot.screens.layout import Button, Screen, lines, pager, paragraphs, part, rows_of
from bot.screens.menu import add_channel_button, browse_button
from bot.screens.programs import KIND_MARKS, barred, offer, own_button
from mtproto_bridge.protocol.replies import Balance, ProgramCard
from mtproto_bridge.protocol.requests import TERMS_VERSION

BALANCES_A_PAGE = 8
TERMS = "https://telegram.org/tos/affiliate-program"


def ask_for_program(texts: Texts, *, not_understood: bool = False) -> Screen:
    """Which program? Also said again when the answer names none."""
    text = paragraphs(texts("join.not_understood") if not_understood else None, texts("join.ask"))
    return Screen(text, rows_of([browse_button(texts)]))


def choose_balance(texts: Texts, card: ProgramCard, page: int = 0) -> Screen:
    """Which balance should earn? With the reason for each that cannot; where none can, the way to another one."""
    if not card.balances:
        return no_balances(texts, card)
    shown, page, pages = part(card.balances, page, BALANCES_A_PAGE)
    bot_id = card.program.bot_id
    rows = rows_of(
        *([_balance_button(texts, card, balance)] for balance in shown),
        *pager(texts, page, pages, lambda to: ChooseBalance(bot_id=bot_id, page=to)),
        [own_button(texts, card)],
        [None if any(map(_can_join, card.balances)) else add_channel_button(texts)],
        [_cancel_button(texts, card)],
    )
    reasons = [barred(texts, balance) for balance in shown if not (balance.may_connect or balance.joined)]
    return Screen(paragraphs(texts("join.choose", title=card.program.title), lines(*reasons)), rows)


def _can_join(balance: Balance) -> bool:
    return balance.may_connect and not balance.joined


def _cancel_button(texts: Texts, card: ProgramCard) -> Button:
    return Button(texts.plain("join.cancel_button"), OpenProgram(bot_id=card.program.bot_id))


def _balance_button(texts: Texts, card: ProgramCard, balance: Balance) -> Button | None:
    mark = KIND_MARKS[balance.kind]
    if balance.joined:
        text = texts.plain("join.balance_joined_button", mark=mark, balance=balance.title)
        return Button(text, OpenLink(balance_id=balance.id, bot_id=card.program.bot_id))
    if not balance.may_connect:
        return None
    text = texts.plain("join.balance_button", mark=mark, balance=balance.title)
    return Button(text, AskJoin(balance_id=balance.id, bot_id=card.program.bot_id))


def no_balances(texts: Texts, card: ProgramCard) -> Screen:
    """The person has no balance here: what is possible all the same."""
    rows = rows_of([add_channel_button(texts)], [own_button(texts, card)], [browse_button(texts)])
    return Screen(texts("join.no_balances", title=card.program.title), rows)


def terms(texts: Texts, card: ProgramCard, balance: Balance) -> Screen:
    """What an affiliate must know, accepted once before the first join; nothing has happened yet."""
    text = paragraphs(texts("terms.title"), texts("terms.rules"), texts("terms.full", terms=TERMS))
    accept = AcceptTerms(balance_id=balance.id, bot_id=card.program.bot_id, version=TERMS_VERSION)
    return Screen(text, rows_of([Button(texts.plain("terms.accept_button"), accept)], [_cancel_button(texts, card)]))


def confirm_join(texts: Texts, card: ProgramCard, balance: Balance, nonce: str, *, note: str | None = None) -> Screen:
    """What will be true after joining; nothing has happened yet. `note` is a message id."""
    program = card.program
    text = paragraphs(
        texts(note) if note else None,
        texts("join.confirm_title", title=program.title, username=program.username),
        offer(texts, program),
        texts("join.confirm_balance", mark=KIND_MARKS[balance.kind], balance=balance.title),
        texts("join.confirm_permanent"),
        texts("join.confirm_hold"),
        texts("join.confirm_terms", terms=TERMS),
    )
    several = len(card.balances) > 1
    rows = rows_of(
        [
            Button(
                texts.plain("join.confirm_button"),
                ConfirmJoin(balance_id=balance.id, bot_id=program.bot_id, nonce=nonce),
            )
        ],
        [Button(texts.plain("join.other_balance_button"), ChooseBalance(bot_id=program.bot_id)) if several else None],
        [_cancel_button(texts, card)],
    )
    return Screen(text, rows)


def joining(texts: Texts) -> Screen:
    """Shown while Telegram is asked; without buttons, so that nobody taps twice."""
    return Screen(texts("join.progress"))
