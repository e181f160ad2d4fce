"""What the bridge tells unasked, as messages of their own."""

from bot.callbacks import Decide, OpenChannel, OpenLink, OperatorPage
from bot.i18n import Html, Texts
from bot.screens.channels import channels_button, health_text, reconnect_button
from bot.screens.layout import Button, Screen, lines, paragraphs, rows_of
from bot.screens.menu import add_channel_button, browse_button
from bot.screens.registering import refused
from mtproto_bridge.protocol.events import (
    AccountChanged,
    AccountGone,
    Acted,
    ChannelIdle,
    ChannelReleased,
    HealthChanged,
    LinkState,
    Occurrence,
    RegistrationDecided,
    RegistrationWaits,
)
from mtproto_bridge.protocol.replies import Balance, Registration

_ACTED = {
    "register": "alert.registered",
    "join": "alert.joined",
    "revoke": "alert.revoked",
    "remove": "alert.removed",
}
_ACCOUNT = {
    "arriving": "alert.account_arriving",
    "ready": "alert.account_ready",
    "logged_out": "alert.account_logged_out",
    "frozen": "alert.account_frozen",
    "banned": "alert.account_banned",
    "leaving": "alert.account_leaving",
    "removed": "alert.account_removed",
}


def alert(texts: Texts, what: Occurrence) -> Screen | None:  # noqa: PLR0911 - one for each kind
    """The message about an occurrence; None for what is shown in another way."""
    match what:
        case Acted():
            return _acted(texts, what)
        case HealthChanged():
            return _health_changed(texts, what)
        case AccountGone():
            return _account_gone(texts, what)
        case ChannelIdle(balance=balance, release_at=moment):
            text = texts("alert.idle", channel=balance.title, date=texts.moment(moment))
            return Screen(text, rows_of([browse_button(texts)], [_channel_button(texts, balance)]))
        case ChannelReleased(balance=balance):
            return Screen(texts("alert.released", channel=balance.title), rows_of([add_channel_button(texts)]))
        case AccountChanged():
            return _account_changed(texts, what)
        case RegistrationWaits():
            return _waits(texts, what)
        case RegistrationDecided(registration=registration) if registration.state == "refused":
            return refused(texts, registration)
    return None  # an approved registration goes on, and shows that itself


def _channel_button(texts: Texts, balance: Balance) -> Button:
    return Button(texts.plain("alert.channel_button"), OpenChannel(balance_id=balance.id))


def _acted(texts: Texts, what: Acted) -> Screen:
    balance, program = what.balance, what.bot_title or texts("alert.some_program")
    text = texts(
        _ACTED[what.action],
        name=what.person_name or texts("alert.somebody"),
        program=program,
        channel=balance.title,
    )
    if what.action == "remove":
        return Screen(text, rows_of([channels_button(texts)]))
    link = None
    if what.bot_id is not None:
        link = Button(texts.plain("alert.link_button"), OpenLink(balance_id=balance.id, bot_id=what.bot_id))
    return Screen(text, rows_of([link], [_channel_button(texts, balance)]))


def _health_changed(texts: Texts, what: HealthChanged) -> Screen:
    good = what.health == "ok"
    text = paragraphs(
        texts("alert.healed" if good else "alert.ill", channel=what.balance.title),
        None if good else health_text(texts, what.balance, what.health, what.account_name, what.account_username),
    )
    rows = rows_of([reconnect_button(texts, what.balance, what.health)], [_channel_button(texts, what.balance)])
    return Screen(text, rows)


def _account_gone(texts: Texts, what: AccountGone) -> Screen:
    text = paragraphs(
        texts("alert.account_gone", channel=what.balance.title, account=what.account_name),
        lines(*(_link_state(texts, link) for link in what.links)),
        texts("alert.account_gone_next"),
    )
    return Screen(text, rows_of([reconnect_button(texts, what.balance, "account_lost")]))


def _link_state(texts: Texts, link: LinkState) -> Html:
    if link.alive is None:
        return texts("alert.link_unknown", program=link.bot_title)
    return texts("alert.link_alive" if link.alive else "alert.link_dead", program=link.bot_title)


# -- for operators --------------------------------------------------------------------------------------------


def _account_changed(texts: Texts, what: AccountChanged) -> Screen:
    known = _ACCOUNT.get(what.state)
    state = texts(known) if known else what.state
    text = paragraphs(
        texts("alert.account_changed", name=what.name, id=str(what.account_id), state=state),
        texts.count("alert.account_channels", what.channels) if what.channels else None,
    )
    return Screen(text)


def _waits(texts: Texts, what: RegistrationWaits) -> Screen:
    registration = what.registration
    text = paragraphs(
        texts(
            "alert.waits",
            name=what.person_name or texts("alert.somebody"),
            id=str(registration.person_id),
            channel=registration.title,
        ),
        texts("alert.waits_public", username=registration.username) if registration.username else None,
    )
    return Screen(text, rows_of(decision_row(texts, registration)))


def decision_row(texts: Texts, registration: Registration) -> tuple[Button, Button]:
    """Approve and Refuse."""
    approve = Decide(registration_id=registration.id, approve=True)
    refuse = Decide(registration_id=registration.id, approve=False)
    return (
        Button(texts.plain("alert.approve_button"), approve),
        Button(texts.plain("alert.refuse_button"), refuse),
    )


def decided(texts: Texts, registration: Registration) -> Screen:
    """What was decided of a registration, by this operator or another."""
    no = registration.state == "refused"
    text = texts("alert.decided_refused" if no else "alert.decided_approved", channel=registration.title)
    return Screen(text, rows_of([Button(texts.plain("operator.page_button"), OperatorPage())]))
