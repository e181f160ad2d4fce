"""The catalogs under locales/ as their tests see them; `python -m tests.catalogs` brings them up to what the code says.

A new message is written into English first; the command then gives every other file its place, empty, and takes out
what nobody says any more. Order and comments stay as they are.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

import bot
from bot.menus import COMMANDS
from mtproto_bridge.protocol import ErrorCode

LOCALES = Path(__file__).resolve().parents[1] / "locales"
TEMPLATE = LOCALES / "starling.pot"
ENGLISH = "en"
LANGUAGES = tuple(sorted(file.parent.parent.name for file in LOCALES.glob("*/LC_MESSAGES/starling.po")))
PLAIN = re.compile(r"command\..*|.*[._]button")
"""Messages that Telegram shows as they are: no markup is read there."""
UNTOLD_BY_BABEL = {"id": "nplurals=1; plural=0;"}
"""Babel knows no plurals of these and would give them those of English; these are CLDR's."""

_NAME = re.compile(r"[a-z]+(\.[a-z_]+)+")
_SPEAKERS = ("texts", "plain", "count")
_MSGID = re.compile(r'^msgid "(.+)"$', re.MULTILINE)
_UNTRANSLATED = re.compile(r'^msgid ".+"\n(?:msgid_plural ".+"\n)?(?:msgstr(?:\[\d+\])? ""\n?)+\Z', re.MULTILINE)


# -- reading --------------------------------------------------------------------------------------------------


def po(language: str) -> Path:
    """A language's file."""
    return LOCALES / language / "LC_MESSAGES" / "starling.po"


def read(file: Path) -> Catalog:
    """A catalog with its header."""
    with file.open("rb") as source:
        return read_po(source)


def messages(file: Path) -> dict[str, Message]:
    """The messages of a catalog by their ids, in its order."""
    return {_id(message): message for message in read(file) if message.id}


@cache
def of(language: str) -> dict[str, Message]:
    """The messages of a language."""
    return messages(po(language))


def _id(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def forms(message: Message) -> tuple[str, ...]:
    """What it says: one text, or one for each plural form."""
    strings = message.string
    return (strings,) if isinstance(strings, str) else tuple(strings or ())


def placeholders(text: str) -> set[str]:
    """What is filled in."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def plural_forms(language: str) -> str:
    """The Plural-Forms line of a language."""
    return UNTOLD_BY_BABEL.get(language) or str(get_plural(language))


# -- what the code says ---------------------------------------------------------------------------------------


def said_in_code() -> set[str]:
    """Every message id in the bot's code.

    What is handed to `texts`, and any other string that looks like an id of a known topic: tables name them too.
    """
    trees = [ast.parse(file.read_text("utf-8")) for file in Path(bot.__file__).parent.rglob("*.py")]
    handed = {name for tree in trees for node in ast.walk(tree) for name in _handed(node)}
    topics = {name.partition(".")[0] for name in handed | of(ENGLISH).keys()}
    written = {text for tree in trees for text in _constants(tree)}
    named = {text for text in written if _NAME.fullmatch(text) and text.partition(".")[0] in topics}
    return handed | named | {f"error.{code.value}" for code in ErrorCode} | {f"command.{name}" for name in COMMANDS}


def counted_in_code() -> set[str]:
    """Those that have plural forms."""
    calls = (node for file in Path(bot.__file__).parent.rglob("*.py") for node in ast.walk(ast.parse(file.read_text())))
    return {name for node in calls for name in _handed(node, ("count",))}


def _handed(node: ast.AST, speakers: tuple[str, ...] = _SPEAKERS) -> Iterator[str]:
    """The message ids in one call of `texts(…)`, `texts.plain(…)` or `texts.count(…)`."""
    if not isinstance(node, ast.Call) or not node.args:
        return
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called in speakers:
        yield from (text for text in _constants(node.args[0]) if _NAME.fullmatch(text))


def _constants(tree: ast.AST) -> Iterator[str]:
    """Every string in the code but names of log events."""
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        yield tree.value
    for node in ast.iter_child_nodes(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "log":
            continue
        yield from _constants(node)


# -- bringing the files up to it ------------------------------------------------------------------------------


def _blocks(file: Path) -> dict[str, str]:
    """A file's messages as they are written, comments included, by their ids; its head has the id ''."""
    found = {}
    for block in file.read_text("utf-8").strip("\n").split("\n\n"):
        name = _MSGID.search(block)
        found[name[1] if name else ""] = block
    return found


def _empty(name: str, plurals: int) -> str:
    """A message that nobody has written yet."""
    if not plurals:
        return f'msgid "{name}"\nmsgstr ""'
    strings = "\n".join(f'msgstr[{form}] ""' for form in range(plurals))
    return f'msgid "{name}"\nmsgid_plural "{name}"\n{strings}'


def _placed(order: list[str], wanted: set[str], first: list[str]) -> list[str]:
    """The ids wanted, in their order; a new one stands where `first` (English) has it, or after its topic's last."""
    kept = [name for name in order if not name or name in wanted]
    for name in sorted(wanted - set(kept), key=lambda name: (first.index(name) if name in first else len(first), name)):
        before = first[: first.index(name)] if name in first else []
        topic = [one for one in kept if one.partition(".")[0] == name.partition(".")[0]]
        neighbour = next((one for one in reversed(before) if one in kept), topic[-1] if topic else kept[-1])
        kept.insert(kept.index(neighbour) + 1, name)
    return kept


def _rewrite(file: Path, order: list[str], counted: set[str], plurals: int) -> None:
    """What is empty is written anew: a catalog that was copied has as many plural forms as the other's language."""
    blocks, texts = _blocks(file), []
    for name in order:
        empty = _empty(name, plurals if name in counted else 0)
        texts.append(_UNTRANSLATED.sub(empty, blocks.get(name, empty)))
    file.write_text("\n\n".join(texts) + "\n", "utf-8")


def main() -> None:
    """Give every file the messages of the code and no others, and say what is to be translated."""
    wanted, counted = said_in_code(), counted_in_code()
    counted |= {name for name, message in messages(po(ENGLISH)).items() if message.pluralizable}
    order = _placed(list(_blocks(TEMPLATE)), wanted, list(_blocks(po(ENGLISH))))
    _rewrite(TEMPLATE, order, counted, 2)
    for language in LANGUAGES:
        _rewrite(po(language), order, counted, int(plural_forms(language)[len("nplurals=")]))
        missing = [name for name, message in messages(po(language)).items() if not all(forms(message))]
        print(f"{language}: {'complete' if not missing else 'to translate: ' + ', '.join(missing)}")  # noqa: T201


if __name__ == "__main__":
    main()
