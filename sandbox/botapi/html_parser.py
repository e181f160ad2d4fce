"""Telegram's HTML, parsed as its server does it (core.telegram.org/bots/api#html-style).

The refusals are worded like TDLib's parse_html: a bot that meets one here meets the same one in front of users.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sandbox.botapi.errors import bad_request
from sandbox.botapi.text import Span

KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
}
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
CHARACTER = re.compile(r"&(?:#x([0-9a-fA-F]{1,8})|#([0-9]{1,8})|([a-zA-Z]+));?")
SPACES = " \t\r\n\v\f\0"
ATTRIBUTE_NAME = re.compile(r"[^\s\0=>/\"']*")
BARE_VALUE = re.compile(r"[a-zA-Z0-9.\-]+")
MAX_CODE_POINT = 0x10FFFF


@dataclass
class _Open:
    """A tag that waits for its end."""

    tag: str
    start: int
    attributes: dict[str, str]


@dataclass
class HtmlParser:
    """One pass over one text; positions in the result count code points of the plain text."""

    source: str
    position: int = 0
    plain: list[str] = field(default_factory=list)
    open_tags: list[_Open] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    def parse(self) -> tuple[str, list[Span]]:
        """The plain text and its formatting.

        Raises:
            ApiError: can't parse entities: ...
        """
        while self.position < len(self.source):
            character = self.source[self.position]
            if character == "&":
                self.plain.append(self._character_reference())
            elif character != "<":
                self.plain.append(character)
                self.position += 1
            elif self.source.startswith("</", self.position):
                self._end_tag()
            else:
                self._start_tag()
        if self.open_tags:
            raise _refused(f'Can\'t find end tag corresponding to start tag "{self.open_tags[-1].tag}"')
        return "".join(self.plain), self.spans

    def _character_reference(self) -> str:
        """Only four names and numbers are known; anything else stays as it was written."""
        match = CHARACTER.match(self.source, self.position)
        decoded = _decode(match) if match else None
        if match is None or decoded is None:
            self.position += 1
            return "&"
        self.position = match.end()
        return decoded

    def _start_tag(self) -> None:
        begin = self.position
        self.position += 1
        tag = self._until(SPACES + ">").lower()
        if self.position >= len(self.source):
            raise _refused(f"Unclosed start tag at byte offset {self._bytes(begin)}")
        if tag not in KINDS:
            raise _refused(f'Unsupported start tag "{tag}" at byte offset {self._bytes(begin)}')
        attributes = self._attributes(tag, begin)
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            place = self._bytes(begin)
            raise _refused(f'Tag "span" must have class "tg-spoiler" at byte offset {place}')
        self.open_tags.append(_Open(tag, len(self.plain), attributes))

    def _attributes(self, tag: str, begin: int) -> dict[str, str]:
        attributes: dict[str, str] = {}
        while True:
            self._skip_spaces()
            if self._at(">"):
                self.position += 1
                return attributes
            match = ATTRIBUTE_NAME.match(self.source, self.position)
            name = match.group() if match else ""
            if not name:
                raise _refused(
                    f'Empty attribute name in the tag "{tag}" at byte offset {self._bytes(begin)}'
                    if self.position < len(self.source)
                    else f'Unclosed start tag "{tag}" at byte offset {self._bytes(begin)}'
                )
            self.position += len(name)
            self._skip_spaces()
            attributes[name.lower()] = self._value(tag, begin) if self._at("=") else ""

    def _value(self, tag: str, begin: int) -> str:
        self.position += 1
        self._skip_spaces()
        if self.position >= len(self.source):
            raise _refused(f'Unclosed start tag "{tag}" at byte offset {self._bytes(begin)}')
        quote = self.source[self.position]
        if quote not in "\"'":
            return self._bare_value()
        self.position += 1
        value: list[str] = []
        while self.position < len(self.source) and not self._at(quote):
            if self._at("&"):
                value.append(self._character_reference())
            else:
                value.append(self.source[self.position])
                self.position += 1
        if self.position >= len(self.source):
            raise _refused(f"Unclosed start tag at byte offset {self._bytes(begin)}")
        self.position += 1
        return "".join(value)

    def _bare_value(self) -> str:
        start = self.position
        match = BARE_VALUE.match(self.source, start)
        self.position = match.end() if match else start
        rest = self.source[self.position : self.position + 1]
        if not match or not rest or (rest not in SPACES and rest != ">"):
            raise _refused(f"Unexpected end of name token at byte offset {self._bytes(start)}")
        return match.group().lower()

    def _end_tag(self) -> None:
        begin = self.position
        if not self.open_tags:
            raise _refused(f"Unexpected end tag at byte offset {self._bytes(begin)}")
        self.position += 2
        name = self._until(SPACES + ">").lower()
        self._skip_spaces()
        if not self._at(">"):
            raise _refused(f"Unclosed end tag at byte offset {self._bytes(begin)}")
        self.position += 1
        opened = self.open_tags.pop()
        if name and name != opened.tag:
            raise _refused(
                f'Unmatched end tag at byte offset {self._bytes(begin)}, expected "</{opened.tag}>", found "</{name}>"'
            )
        span = self._span(opened)
        if span:
            self.spans.append(span)

    def _span(self, opened: _Open) -> Span | None:
        start, end = opened.start, len(self.plain)
        kind = KINDS[opened.tag]
        if start == end:
            return None
        if kind == "text_link":
            return _link(start, end, opened.attributes.get("href") or "".join(self.plain[start:end]))
        if kind == "blockquote" and "expandable" in opened.attributes:
            kind = "expandable_blockquote"
        if kind == "custom_emoji":
            return Span(kind, start, end, emoji_id=opened.attributes.get("emoji-id"))
        language = opened.attributes.get("class", "").removeprefix("language-") if kind == "code" else ""
        if kind == "pre":  # <pre><code class="language-x">: the language goes to the pre
            inner = next((s for s in self.spans if s.kind == "code" and s.start == start and s.end == end), None)
            language = (inner.language or "") if inner else ""
        return Span(kind, start, end, language=language or None)

    def _until(self, stops: str) -> str:
        start = self.position
        while self.position < len(self.source) and self.source[self.position] not in stops:
            self.position += 1
        return self.source[start : self.position]

    def _skip_spaces(self) -> None:
        while self.position < len(self.source) and self.source[self.position] in SPACES:
            self.position += 1

    def _at(self, character: str) -> bool:
        return self.source.startswith(character, self.position)

    def _bytes(self, position: int) -> int:
        return len(self.source[:position].encode())


def _decode(match: re.Match[str]) -> str | None:
    hexadecimal, decimal, name = match.groups()
    if name:
        return NAMED.get(name)
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return chr(code) if 0 < code <= MAX_CODE_POINT else None


def _link(start: int, end: int, url: str) -> Span | None:
    """A link Telegram cannot use is no link: the words stay, without formatting and without an error."""
    address = urlsplit(url if "://" in url else f"http://{url}")
    if address.scheme not in ("http", "https", "tg", "ton") or not address.netloc:
        return None
    if address.scheme in ("http", "https") and "." not in address.netloc and "localhost" not in address.netloc:
        return None
    full = address.geturl()
    if not address.path and not address.query:
        full += "/"  # Telegram writes the bare host with its slash
    return Span("text_link", start, end, url=full)


def _refused(reason: str) -> Exception:
    return bad_request(f"can't parse entities: {reason}")
