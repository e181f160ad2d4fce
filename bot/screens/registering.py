"""Registering a channel: Telegram's picker, the steps as they happen, and what stands in their way."""

from collections.abc import Sequence

from bot.callbacks import BotLeaves, ContinueRegistration, OpenChannel
from bot.i18n import Html, Texts
from bot.rights import Obstacle
from bot.screens.channels import channels_button, named, reconnect_button
from bot.screens.layout import Button, ChannelPicker, OwnKeyboard, Screen, Url, lines, paragraphs, rows_of
from bot.screens.menu import browse_button
from mtproto_bridge.protocol.replies import ChannelPage, Registration, RegistrationPage, RegistrationState

_STEPS = ("register.step_picked", "register.step_joined", "register.step_promoted", "register.step_verified")
_DONE: dict[RegistrationState, int] = {
    "waiting": 1,
    "refused": 1,
    "picked": 1,
    "joined": 2,
    "promoted": 3,
    "verified": 4,
}
"""How many steps are behind a registration in this state."""
_RIGHTS = {
    "post_messages": "right.post_messages",
    "invite_users": "right.invite_users",
    "promote_members": "right.promote_members",
}


def pick(texts: Texts, startchannel: str) -> Screen:
    """Telegram's picker. The link is for apps that are too old for it, and for who has to ask the owner."""
    picker = ChannelPicker(texts.plain("register.pick_button"), texts.plain("register.cancel_button"))
    return Screen(texts("register.pick", link=startchannel), keyboard=picker)


def picked(texts: Texts, title: str) -> Screen:
    """The picker has served."""
    return Screen(texts("register.picked", channel=title), keyboard=OwnKeyboard())


def not_picked(texts: Texts) -> Screen:
    """The person left the picker."""
    return Screen(texts("register.cancelled"), keyboard=OwnKeyboard())


def progress(texts: Texts, title: str, state: RegistrationState = "picked") -> Screen:
    """What is done, and what is being done; without buttons, so that nobody taps twice."""
    return Screen(paragraphs(texts("register.title", channel=title), _steps(texts, state, "⏳")))


def _steps(texts: Texts, state: RegistrationState, next_mark: str) -> Html:
    done = _DONE[state]
    marks = ["✓"] * done + [next_mark] + ["·"] * len(_STEPS)
    return lines(*(texts(step, mark=mark) for step, mark in zip(_STEPS, marks, strict=False)))


def elsewhere(texts: Texts, registration: Registration) -> Screen:
    """It is going on already, for another tap or on another device."""
    text = paragraphs(
        texts("register.title", channel=registration.title),
        _steps(texts, registration.state, "⏳"),
        texts("register.elsewhere"),
    )
    return Screen(text, rows_of([_look_button(texts, registration)]))


def stands(texts: Texts, page: RegistrationPage) -> Screen:
    """Where a registration has come to rest."""
    registration = page.registration
    match registration.state:
        case "waiting":
            return Screen(
                texts("register.waiting", channel=registration.title), rows_of([_look_button(texts, registration)])
            )
        case "verified":
            return _ready(texts, page)
        case "refused":
            return refused(texts, registration)
    return elsewhere(texts, registration)


def refused(texts: Texts, registration: Registration) -> Screen:
    """The operator said no."""
    return Screen(texts("register.refused", channel=registration.title), rows_of([channels_button(texts)]))


def _look_button(texts: Texts, registration: Registration) -> Button:
    return Button(texts.plain("register.look_button"), ContinueRegistration(registration_id=registration.id))


def _ready(texts: Texts, page: RegistrationPage) -> Screen:
    registration = page.registration
    text = paragraphs(
        texts("register.title", channel=registration.title),
        _steps(texts, registration.state, ""),
        texts("register.added") if page.added else texts("register.ready"),
        texts("register.leave_hint"),
    )
    leave = opened = None
    if registration.balance_id is not None:
        leave = Button(texts.plain("register.leave_button"), BotLeaves(balance_id=registration.balance_id))
        opened = Button(texts.plain("register.open_button"), OpenChannel(balance_id=registration.balance_id))
    return Screen(text, rows_of([browse_button(texts)], [leave], [opened]))


def left(texts: Texts, found: ChannelPage) -> Screen:
    """The bot has left; whether the account kept its right."""
    channel = found.channel
    kept = channel.health == "ok"
    text = texts(
        "register.left_kept" if kept else "register.left_lost",
        channel=channel.balance.title,
        account=named(texts, channel.account),
    )
    opened = Button(texts.plain("register.open_button"), OpenChannel(balance_id=channel.balance.id))
    return Screen(
        text, rows_of([reconnect_button(texts, channel.balance, channel.health)], [browse_button(texts)], [opened])
    )


# -- what stands in the way -----------------------------------------------------------------------------------


def hindered(texts: Texts, registration: Registration, obstacle: Obstacle, startchannel: str) -> Screen:
    """What the bot may not do in the channel, and how to let it."""
    text = paragraphs(
        texts("register.title", channel=registration.title),
        _steps(texts, registration.state, "✗"),
        _sentence(texts, registration, obstacle),
    )
    on = Button(texts.plain("register.continue_button"), ContinueRegistration(registration_id=registration.id))
    add = Button(texts.plain("register.startchannel_button"), Url(startchannel))
    return Screen(
        text, rows_of([add if obstacle.kind in ("not_there", "thrown_out") else None], [on], [channels_button(texts)])
    )


def _sentence(texts: Texts, registration: Registration, obstacle: Obstacle) -> Html:
    account = named(texts, registration.account) if registration.account else texts("channel.our_account")
    match obstacle.kind:
        case "not_there":
            return texts("register.not_there")
        case "thrown_out":
            return texts("register.thrown_out")
        case "rights":
            return texts("register.rights", rights=_named_rights(texts, obstacle.missing))
        case "unmet":
            return texts("register.unmet", account=account)
        case "not_ours":
            return texts("register.not_ours", account=account)


def _named_rights(texts: Texts, missing: Sequence[str]) -> Html:
    return lines(*(texts("register.right", right=texts(_RIGHTS[name])) for name in missing))
