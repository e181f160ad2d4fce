"""What helps to share a link."""

from bot.screens import Screen, sharing
from tests.screens.examples import Example
from tests.unit.bot_samples import URL

EXAMPLES: dict[str, Example] = {
    "caption of the picture": lambda texts: Screen(sharing.caption(texts, "Quiz Night", URL)),
    "post": lambda texts: sharing.post(texts, "Quiz Night", URL),
}
