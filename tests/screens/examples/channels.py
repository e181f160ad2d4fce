"""Channels: all of them, one, and taking the account out."""

from typing import get_args

from bot.i18n import Texts
from bot.screens import Screen
from bot.screens import channels as screens
from mtproto_bridge.protocol.replies import ChannelRemoved, Health
from tests.screens.examples import Example
from tests.unit.bot_samples import ACCOUNT, NONCE, channel, channel_page, channels, registration, waiting

UNNAMED = ACCOUNT.model_copy(update={"username": None})


def _health(health: Health) -> Example:
    def shown(texts: Texts) -> Screen:
        return screens.channel_page(texts, channel_page(health=health))

    return shown


EXAMPLES: dict[str, Example] = {
    "list": lambda texts: screens.channels_page(
        texts,
        channels(channel(), channel(health="rights_missing", links=1), registrations=(registration(), waiting())),
    ),
    "list, of many": lambda texts: screens.channels_page(texts, channels(*[channel()] * 9)),
    "list, empty": lambda texts: screens.channels_page(texts, channels()),
    **{f"channel, {health}": _health(health) for health in get_args(Health)},
    "channel, with other managers, not looked at yet": lambda texts: screens.channel_page(
        texts, channel_page(other_managers=2, checked_at=None, health="rights_missing", account=UNNAMED)
    ),
    "remove?": lambda texts: screens.ask_removal(texts, channel_page()),
    "remove and revoke": lambda texts: screens.confirm_removal(texts, channel_page(), NONCE, revoke_links=True),
    "remove and let earn": lambda texts: screens.confirm_removal(texts, channel_page(), NONCE, revoke_links=False),
    "remove, too late": lambda texts: screens.confirm_removal(
        texts, channel_page(links=0), NONCE, revoke_links=True, note="removal.note_expired"
    ),
    "remove, the button was used": lambda texts: screens.confirm_removal(
        texts, channel_page(links=0), NONCE, revoke_links=True, note="removal.note_changed"
    ),
    "removing": screens.removing,
    "removed and revoked": lambda texts: screens.removed(texts, ChannelRemoved(title="Garden", revoked=2)),
    "removed and left earning": lambda texts: screens.removed(texts, ChannelRemoved(title="Garden", left_earning=1)),
    "removed, its name unknown": lambda texts: screens.removed(texts, ChannelRemoved(title="")),
}
