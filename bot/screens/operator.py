"""What operators see of everything, and decide."""

from bot.callbacks import Ban, Decide, OperatorPage
from bot.i18n import Html, Texts
from bot.screens.layout import Button, Screen, lines, pager, paragraphs, part, rows_of
from mtproto_bridge.protocol.replies import OperatedAccount, Operations, Registration

ACCOUNTS_A_PAGE = 6
MOST_BANNED_NAMED = 8
_STATES = {
    "arriving": "operator.state_arriving",
    "ready": "operator.state_ready",
    "logged_out": "operator.state_logged_out",
    "frozen": "operator.state_frozen",
    "banned": "operator.state_banned",
    "leaving": "operator.state_leaving",
    "removed": "operator.state_removed",
}


def operations_page(texts: Texts, found: Operations, *, note: str | None = None, page: int = 0) -> Screen:
    """How everything is doing; `note` is a message id, `page` one of accounts."""
    accounts, page, pages = part(found.accounts, page, ACCOUNTS_A_PAGE)
    text = paragraphs(
        texts(note) if note else None,
        lines(texts("operator.title"), texts.count("operator.people", found.people)),
        texts.count("operator.accounts", len(found.accounts)) if found.accounts else texts("operator.no_accounts"),
        *(_account(texts, account) for account in accounts),
        _dead_letters(texts, found),
        _registrations(texts, found),
        _banned(texts, found),
    )
    rows = rows_of(
        *pager(texts, page, pages, lambda to: OperatorPage(page=to)),
        *(_decision_row(texts, number, one) for number, one in enumerate(found.registrations, start=1)),
        *([_unban_button(texts, person)] for person in found.banned[:MOST_BANNED_NAMED]),
        [Button(texts.plain("operator.refresh_button"), OperatorPage(page=page))],
    )
    return Screen(text, rows)


def _account(texts: Texts, account: OperatedAccount) -> Html:
    name = f"{account.name} (@{account.username})" if account.username else account.name
    state = _STATES.get(account.state)
    served = texts("operator.served", bridge=account.served_by) if account.served_by else texts("operator.unserved")
    return lines(
        texts("operator.account", name=name, id=str(account.id)),
        texts("operator.account_state", state=texts(state) if state else account.state, served=served),
        texts(
            "operator.account_room",
            channels=texts.count("operator.channels", account.channels),
            free=texts.number(account.free),
            waiting=texts.number(account.waiting),
        ),
        texts("operator.flooded", date=texts.moment(account.flooded_until)) if account.flooded_until else None,
    )


def _dead_letters(texts: Texts, found: Operations) -> Html:
    if not found.dead_letters:
        return texts("operator.no_dead_letters")
    return lines(texts.count("operator.dead_letters", found.dead_letters), texts("operator.console"))


def _registrations(texts: Texts, found: Operations) -> Html:
    if not found.registrations_waiting:
        return texts("operator.no_registrations")
    return lines(
        texts.count("operator.registrations", found.registrations_waiting),
        *(_registration(texts, number, one) for number, one in enumerate(found.registrations, start=1)),
    )


def _registration(texts: Texts, number: int, registration: Registration) -> Html:
    title = f"{registration.title} (@{registration.username})" if registration.username else registration.title
    person = registration.origin.name if registration.origin else None
    return texts(
        "operator.registration",
        number=texts.number(number),
        title=title,
        person=person or str(registration.person_id),
        id=str(registration.person_id),
    )


def _decision_row(texts: Texts, number: int, registration: Registration) -> tuple[Button, Button]:
    yes = Decide(registration_id=registration.id, approve=True)
    no = Decide(registration_id=registration.id, approve=False)
    return (
        Button(texts.plain("operator.approve_button", number=texts.number(number)), yes),
        Button(texts.plain("operator.refuse_button", number=texts.number(number)), no),
    )


def _banned(texts: Texts, found: Operations) -> Html:
    if not found.banned:
        return texts("operator.ban_how")
    return lines(texts.count("operator.banned", len(found.banned)), texts("operator.ban_how"))


def _unban_button(texts: Texts, person: int) -> Button:
    return Button(texts.plain("operator.unban_button", id=str(person)), Ban(person_id=person, banned=False))
