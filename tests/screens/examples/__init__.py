"""An example of every screen in every state that says something else.

A module here is named like the one of `bot/screens` it shows, and holds `EXAMPLES`: a name for the state, and the
screen in a language. Captions of pictures and answers to taps are shown as screens without buttons; their names begin
with "caption" or "notice", which have limits of their own.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules

from bot.i18n import Texts
from bot.screens import Screen

Example = Callable[[Texts], Screen]


def every_example() -> dict[str, Example]:
    """All of them, named `<module>: <state>`, in the order of the modules and as they are written there."""
    return dict(_named())


def _named() -> Iterator[tuple[str, Example]]:
    for module in sorted(found.name for found in iter_modules(__path__)):
        examples: dict[str, Example] = import_module(f"{__name__}.{module}").EXAMPLES
        for state, example in examples.items():
            yield f"{module}: {state}", example
