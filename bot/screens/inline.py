"""What inline mode offers to send into any chat: the person's links, or programs.

Whoever is in that chat could press a button of a card, so cards have URL buttons only.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from html import unescape

from bot.i18n import Texts, tidy
from bot.screens.errors import sentence_of
from bot.screens.layout import Button, Url, lines, paragraphs
from bot.screens.programs import card_link, offer
from bot.screens.sharing import post
from mtproto_bridge.protocol import Failure
from mtproto_bridge.protocol.replies import Card, Cards, Program, Programs

CARDS_A_PAGE = 20
"""Telegram takes 50 at most (core.telegram.org/bots/api#answerinlinequery)."""


LONGEST_BUTTON = 64
"""Characters a button's text may have."""
_TAG = re.compile(r"<[^>]*>")
_SENTENCE_END = re.compile(r"(?<=[.!?؟])\s")


@dataclass(frozen=True)
class InlineCard:
    """One thing to send: how it is listed, and the message it becomes."""

    title: str
    description: str
    text: str
    """HTML."""
    button: Button


@dataclass(frozen=True)
class Offered:
    """One page of cards."""

    cards: tuple[InlineCard, ...] = ()
    next_offset: str = ""
    """What Telegram asks with for the next page; empty when there is none."""
    button: str | None = None
    """Stands above the cards, and opens our chat."""


def links(texts: Texts, found: Cards) -> Offered:
    """The person's own live links."""
    if not found.cards and not found.page:
        return Offered(button=texts.plain("inline.no_links_button"))
    return Offered(tuple(_link(texts, card) for card in found.cards), _next(found.page, found.pages))


def _link(texts: Texts, card: Card) -> InlineCard:
    known = card.commission_permille is not None
    return InlineCard(
        title=tidy(card.bot_title),
        description=texts.listed(
            texts.commission(card.commission_permille) if card.commission_permille is not None else None,
            texts.duration(card.duration_months) if known else None,
            card.balance_title,
        ),
        text=post(texts, card.bot_title, card.url).text,
        button=Button(texts.plain("inline.open_button", title=card.bot_title), Url(card.url)),
    )


def programs(texts: Texts, found: Programs, us: str) -> Offered:
    """Programs that were searched for; `us` is our username."""
    if not found.programs and not found.page:
        return Offered(button=texts.plain("inline.nothing_button"))
    return Offered(
        tuple(_program(texts, program, us) for program in found.programs),
        _next(found.page, found.pages, found.crawl),
    )


def _program(texts: Texts, program: Program, us: str) -> InlineCard:
    """It leads to our own card of the program: it is nobody's referral."""
    ends = texts.moment(program.end_date) if program.end_date else None
    closing = texts("program.closing", date=ends) if ends else None
    return InlineCard(
        title=tidy(program.title),
        description=texts.listed(
            texts.commission(program.commission_permille),
            texts.duration(program.duration_months),
            texts.plain("programs.item_closing", date=ends) if ends else None,
        ),
        text=paragraphs(
            lines(
                texts("program.title", title=program.title, username=program.username),
                None if closing else texts("inline.program"),
            ),
            offer(texts, program),
            closing,
        ),
        button=Button(texts.plain("inline.program_button"), Url(card_link(program, us))),
    )


def failed(texts: Texts, failure: Failure, now: datetime) -> Offered:
    """What is wrong: the first sentence of the reason, where a button has room for it."""
    told = unescape(_TAG.sub("", sentence_of(texts, failure, now, "")))
    reason = _SENTENCE_END.split(told, maxsplit=1)[0]
    return Offered(button=reason if len(reason) <= LONGEST_BUTTON else texts.plain("inline.failed_button"))


def _next(page: int, pages: int, crawl: int = 0) -> str:
    return f"{page + 1}.{crawl}" if page + 1 < pages else ""
