"""Inline mode: what is listed, and the messages it becomes."""

from html import escape

from bot.screens import Button, Screen, inline
from bot.screens.inline import InlineCard, Offered
from bot.screens.layout import Url
from mtproto_bridge.protocol import ErrorCode, Failure
from tests.screens.examples import Example
from tests.unit.bot_samples import END, KITCHEN, NOW, cards, live, program, programs

US = "starling_bot"
LIVE = cards(live(), live(bot_title="حديقة 5", balance_title=KITCHEN.title, commission_permille=None))
FOUND = programs(program(), program(duration_months=None, end_date=END))


def _listed(offered: Offered) -> Screen:
    """What stands above the chat's input; its button opens our chat."""
    text = "\n\n".join(escape(f"{card.title}\n{card.description}") for card in offered.cards)
    button = Button(offered.button, Url(f"https://t.me/{US}?start=inline")) if offered.button else None
    return Screen(text or "–", ((button,),) if button else ())


def _sent(card: InlineCard) -> Screen:
    return Screen(card.text, ((card.button,),))


EXAMPLES: dict[str, Example] = {
    "links, listed": lambda texts: _listed(inline.links(texts, LIVE)),
    "link, sent": lambda texts: _sent(inline.links(texts, LIVE).cards[0]),
    "no links": lambda texts: _listed(inline.links(texts, cards())),
    "programs, listed": lambda texts: _listed(inline.programs(texts, FOUND, US)),
    "program, sent": lambda texts: _sent(inline.programs(texts, FOUND, US).cards[0]),
    "closing program, sent": lambda texts: _sent(inline.programs(texts, FOUND, US).cards[1]),
    "no program": lambda texts: _listed(inline.programs(texts, programs(), US)),
    "failed": lambda texts: _listed(inline.failed(texts, Failure(code=ErrorCode.UNAVAILABLE), NOW)),
    "failed, with a long reason": lambda texts: _listed(inline.failed(texts, Failure(code=ErrorCode.UNSUPPORTED), NOW)),
}
