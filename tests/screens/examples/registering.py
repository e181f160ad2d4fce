"""Registering a channel."""

from bot.i18n import Texts
from bot.rights import NEEDED, Obstacle, startchannel_link
from bot.screens import Screen
from bot.screens import registering as screens
from mtproto_bridge.protocol.replies import RegistrationState
from tests.screens.examples import Example
from tests.unit.bot_samples import channel_page, registering, registration

LINK = startchannel_link("starling_bot")


def _progress(state: RegistrationState) -> Example:
    def shown(texts: Texts) -> Screen:
        return screens.progress(texts, "Garden", state)

    return shown


def _hindered(obstacle: Obstacle) -> Example:
    def shown(texts: Texts) -> Screen:
        return screens.hindered(texts, registration(), obstacle, LINK)

    return shown


EXAMPLES: dict[str, Example] = {
    "pick": lambda texts: screens.pick(texts, LINK),
    "picked": lambda texts: screens.picked(texts, "Garden"),
    "not picked": screens.not_picked,
    "progress, picked": _progress("picked"),
    "progress, joined": _progress("joined"),
    "progress, promoted": _progress("promoted"),
    "going on elsewhere": lambda texts: screens.elsewhere(texts, registration(state="joined")),
    "waits for the operator": lambda texts: screens.stands(texts, registering(state="waiting")),
    "refused": lambda texts: screens.refused(texts, registration(state="refused")),
    "ready": lambda texts: screens.stands(texts, registering(state="verified")),
    "ready, another manager added": lambda texts: screens.stands(texts, registering(state="verified", added=True)),
    "the bot has left": lambda texts: screens.left(texts, channel_page()),
    "the bot has left, and the right is lost": lambda texts: screens.left(texts, channel_page(health="rights_missing")),
    "the bot is not there": _hindered(Obstacle("not_there")),
    "the bot was thrown out": _hindered(Obstacle("thrown_out")),
    "the bot lacks rights": _hindered(Obstacle("rights", NEEDED)),
    "the bot cannot name the account": _hindered(Obstacle("unmet")),
    "the account is an admin of somebody else's making": _hindered(Obstacle("not_ours")),
    "the account is not known": lambda texts: screens.hindered(
        texts, registration(account=None), Obstacle("unmet"), LINK
    ),
}
