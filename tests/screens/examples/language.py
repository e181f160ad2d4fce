"""Choosing a language."""

from bot.screens.language import language_page
from tests.screens.examples import Example
from tests.unit.bot_samples import english, russian

SPOKEN = (english, russian)

EXAMPLES: dict[str, Example] = {
    "as in Telegram": lambda texts: language_page(texts, SPOKEN, chosen=None),
    "chosen": lambda texts: language_page(texts, SPOKEN, chosen="ru", done=True),
}
