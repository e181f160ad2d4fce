"""Around the conversations."""

from bot.screens import menu
from tests.screens.examples import Example

EXAMPLES: dict[str, Example] = {
    "start": menu.start,
    "start, after a button of an earlier version": menu.stale,
    "help": menu.help_page,
    "cancelled": lambda texts: menu.cancelled(texts, something=True),
    "cancelled nothing": lambda texts: menu.cancelled(texts, something=False),
    "words nobody understands": menu.hint,
    "unknown command": menu.unknown_command,
    "in a group": lambda texts: menu.group_notice(texts, "starling_bot"),
}
