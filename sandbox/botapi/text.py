"""Formatted text: what Telegram makes of what a bot or a person wrote; lengths in UTF-16 code units."""

import html
import re
from dataclasses import dataclass, replace

QUOTES = frozenset({"blockquote", "expandable_blockquote"})
SOLID = frozenset({"code", "pre"})
"""Formatting that tolerates no other inside it."""

FOUND = (
    ("url", re.compile(r"\b(?:https?://|tg://|(?:www\.)?t\.me/)[^\s<>\"]*[^\s<>\".,;:!?)\]']")),
    ("mention", re.compile(r"(?<![\w@/])@[A-Za-z]\w{3,31}\b")),
    ("bot_command", re.compile(r"(?<![\w/<>.])/[A-Za-z0-9_]{1,64}(?:@\w{5,32})?\b")),
)
"""What Telegram finds in any text by itself, first come first served."""

OPENING = {
    "bold": ("<b>", "</b>"),
    "italic": ("<i>", "</i>"),
    "underline": ("<u>", "</u>"),
    "strikethrough": ("<s>", "</s>"),
    "spoiler": ("<tg-spoiler>", "</tg-spoiler>"),
    "code": ("<code>", "</code>"),
    "pre": ("<pre>", "</pre>"),
    "blockquote": ("<blockquote>", "</blockquote>"),
    "expandable_blockquote": ("<blockquote expandable>", "</blockquote>"),
}


@dataclass(frozen=True)
class Span:
    """A formatted stretch of a text."""

    kind: str
    start: int
    end: int
    url: str | None = None
    language: str | None = None
    emoji_id: str | None = None


@dataclass(frozen=True)
class FormattedText:
    """Plain text with its formatting, in code points of `plain`."""

    plain: str = ""
    spans: tuple[Span, ...] = ()

    @property
    def length(self) -> int:
        """As Telegram counts it: UTF-16 code units after parsing."""
        return utf16_length(self.plain)

    def entities(self) -> list[dict[str, object]]:
        """The spans as MessageEntity objects (core.telegram.org/bots/api#messageentity)."""
        return [_entity(self.plain, span) for span in self.spans]

    def html(self) -> str:
        """The text as Telegram HTML again, in one canonical form; what Telegram found itself is not marked."""
        marks: list[tuple[int, int, int, str]] = []
        for index, span in enumerate(self.spans):
            opening, closing = _tags(span)
            marks.append((span.start, 1, index, opening))
            marks.append((span.end, 0, -index, closing))
        pieces, done = [], 0
        for place, _, _, tag in sorted(marks):
            pieces += [html.escape(self.plain[done:place], quote=False), tag]
            done = place
        return "".join(pieces) + html.escape(self.plain[done:], quote=False)


def utf16_length(text: str) -> int:
    """Telegram's measure of a text: an emoji outside the basic plane counts twice."""
    return len(text) + sum(character > "\uffff" for character in text)


def format_text(plain: str, spans: list[Span]) -> FormattedText:
    """What Telegram keeps: trimmed, nothing inside code, links and commands found by itself."""
    trimmed = plain.strip()
    shift = len(plain) - len(plain.lstrip())
    inside = [_moved(span, shift, len(trimmed)) for span in spans]
    kept = _without_code_inside([span for span in inside if span.start < span.end])
    kept += _found(trimmed, kept)
    return FormattedText(trimmed, tuple(sorted(kept, key=lambda s: (s.start, -s.end, s.kind not in QUOTES))))


def _moved(span: Span, shift: int, length: int) -> Span:
    def place(position: int) -> int:
        return min(max(position - shift, 0), length)

    return replace(span, start=place(span.start), end=place(span.end))


def _without_code_inside(spans: list[Span]) -> list[Span]:
    """Code wins over what is in or around it; a pre wins over the code in it; a quote may hold both."""
    solid = [span for span in spans if span.kind == "pre"]
    solid += [s for s in spans if s.kind == "code" and not any(p.start <= s.start < p.end for p in solid)]
    kept = list(solid)
    for span in spans:
        if span.kind in QUOTES:
            kept.append(span)
        elif span.kind not in SOLID:
            kept += _cut(span, solid)
    return kept


def _cut(span: Span, holes: list[Span]) -> list[Span]:
    pieces = [span]
    for hole in holes:
        pieces = [
            part
            for piece in pieces
            for part in (
                replace(piece, end=min(piece.end, hole.start)),
                replace(piece, start=max(piece.start, hole.end)),
            )
            if part.start < part.end
        ]
    return pieces


def _found(plain: str, spans: list[Span]) -> list[Span]:
    taken = [span for span in spans if span.kind in SOLID or span.kind == "text_link"]
    found: list[Span] = []
    for kind, pattern in FOUND:
        for match in pattern.finditer(plain):
            span = Span(kind, match.start(), match.end())
            if not any(span.start < other.end and other.start < span.end for other in taken + found):
                found.append(span)
    return found


def _entity(plain: str, span: Span) -> dict[str, object]:
    entity: dict[str, object] = {
        "type": span.kind,
        "offset": utf16_length(plain[: span.start]),
        "length": utf16_length(plain[span.start : span.end]),
    }
    if span.url:
        entity["url"] = span.url
    if span.language and span.kind == "pre":
        entity["language"] = span.language
    if span.emoji_id:
        entity["custom_emoji_id"] = span.emoji_id
    return entity


def _tags(span: Span) -> tuple[str, str]:
    if span.kind == "text_link":
        return f'<a href="{html.escape(span.url or "")}">', "</a>"
    return OPENING.get(span.kind, ("", ""))
