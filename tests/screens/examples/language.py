"""Choosing a language."""

from bot.screens.language import language_page
from tests.screens.examples import Example
from tests.unit.bot_samples import translations

SPOKEN = [translations.texts(tag) for tag in translations.languages]

EXAMPLES: dict[str, Example] = {
    "as in Telegram": lambda texts: language_page(texts, SPOKEN, chosen=None),
    "chosen": lambda texts: language_page(texts, SPOKEN, chosen="ru", done=True),
}
