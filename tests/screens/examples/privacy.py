"""What is kept of a person, and erasing it."""

from bot.screens import privacy
from mtproto_bridge.protocol.replies import Forgotten
from tests.screens.examples import Example
from tests.unit.bot_samples import NONCE

EXAMPLES: dict[str, Example] = {
    "privacy": privacy.privacy_page,
    "forget?": lambda texts: privacy.confirm(texts, NONCE),
    "forget? too late": lambda texts: privacy.confirm(texts, NONCE, note="forget.note_expired"),
    "forgetting": privacy.forgetting,
    "forgotten": lambda texts: privacy.forgotten(texts, Forgotten(left=1, kept=2)),
    "forgotten, still banned": lambda texts: privacy.forgotten(texts, Forgotten(still_banned=True)),
    "forgotten before": lambda texts: privacy.forgotten(texts, Forgotten(replayed=True)),
}
