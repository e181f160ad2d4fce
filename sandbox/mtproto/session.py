"""One session of a key: message ids and numbers, and which messages of the client were seen and answered.

See https://core.telegram.org/mtproto/description#session and
https://core.telegram.org/mtproto/service_messages_about_messages
"""

from __future__ import annotations

import struct
import time
from collections import OrderedDict
from enum import IntEnum
from typing import NamedTuple

from sandbox.mtproto.wire import CONTAINER

MESSAGE = struct.Struct("<qii")  # message id, seqno, length of the body
ANSWER, NOTICE = 1, 3  # the lowest two bits of a server's message id
SECONDS_BEHIND, SECONDS_AHEAD = 300, 30
SEEN_KEPT = 2048
ANSWERS_KEPT = 512
CONTAINER_LIMIT = 1020  # messages in one container
CONTAINER_BYTES = 1 << 20


class BadMessage(IntEnum):
    """Codes of bad_msg_notification, of which the sandbox uses these."""

    ID_TOO_LOW = 16
    ID_TOO_HIGH = 17
    ID_NOT_OF_CLIENT = 18
    SEQ_SHOULD_BE_EVEN = 34
    SEQ_SHOULD_BE_ODD = 35
    WRONG_SALT = 48
    BAD_CONTAINER = 64


class Message(NamedTuple):
    """A message of the client's, outside or inside a container."""

    msg_id: int
    seq_no: int
    body: bytes


class Session:
    """The server's end of a session. Message ids are the wall clock's, whatever the world's clock says."""

    def __init__(self, session_id: int) -> None:
        self.id = session_id
        self.announced = False
        """Whether the client was told that this session is new to the server."""
        self.subscribed = False
        """Whether it ever asked for something without declining updates."""
        self._last_msg_id = 0
        self._content_messages = 0
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._answers: OrderedDict[int, bytes] = OrderedDict()

    # -- what the client sends ------------------------------------------------------------------------------

    def complaint(self, msg_id: int) -> BadMessage | None:
        """What is wrong with the id of a message that is not in a container, if anything."""
        if msg_id % 4:
            return BadMessage.ID_NOT_OF_CLIENT
        age = time.time() - (msg_id >> 32)
        if age > SECONDS_BEHIND:
            return BadMessage.ID_TOO_LOW
        return BadMessage.ID_TOO_HIGH if age < -SECONDS_AHEAD else None

    def is_new(self, msg_id: int) -> bool:
        """Whether this message comes for the first time; remembers it."""
        if msg_id in self._seen:
            return False
        self._seen[msg_id] = None
        if len(self._seen) > SEEN_KEPT:
            self._seen.popitem(last=False)
        return True

    def has_seen(self, msg_id: int) -> bool:
        """Whether this message came (lately)."""
        return msg_id in self._seen

    def acknowledge(self, server_msg_ids: list[int]) -> None:
        """The client has these messages: their content need not be kept for a repeat."""
        got = set(server_msg_ids)
        for request_id, packed in list(self._answers.items()):
            if MESSAGE.unpack_from(packed)[0] in got:
                del self._answers[request_id]

    # -- what it is sent ------------------------------------------------------------------------------------

    def pack(self, body: bytes, *, content: bool, answer: bool) -> bytes:
        """Number a message. `content` needs the client's acknowledgment; an `answer` has another kind of id."""
        seq_no = self._content_messages * 2 + content
        self._content_messages += content
        return MESSAGE.pack(self.next_msg_id(ANSWER if answer else NOTICE), seq_no, len(body)) + body

    def keep_answer(self, request_id: int, packed: bytes) -> None:
        """Keep an answer until it is acknowledged, in case its request comes again."""
        self._answers[request_id] = packed
        if len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)

    def kept_answer(self, request_id: int) -> bytes | None:
        """The answer to a request that came before, as it was sent."""
        return self._answers.get(request_id)

    def bundle(self, messages: list[bytes]) -> list[bytes]:
        """Put numbered messages into as few as possible, by way of containers."""
        bundles: list[list[bytes]] = [[]]
        size = 0
        for message in messages:
            size += len(message)
            if bundles[-1] and (size > CONTAINER_BYTES or len(bundles[-1]) >= CONTAINER_LIMIT):
                bundles.append([])
                size = len(message)
            bundles[-1].append(message)
        return [one[0] if len(one) == 1 else self._container(one) for one in bundles if one]

    def next_msg_id(self, low_bits: int) -> int:
        """An id from the wall clock, higher than all before it."""
        msg_id = int(time.time() * (1 << 32)) & ~3 | low_bits
        if msg_id <= self._last_msg_id:
            msg_id = (self._last_msg_id & ~3) + 4 + low_bits
        self._last_msg_id = msg_id
        return msg_id

    def _container(self, messages: list[bytes]) -> bytes:
        body = CONTAINER + struct.pack("<i", len(messages)) + b"".join(messages)
        return self.pack(body, content=False, answer=True)


def unpack_container(body: bytes) -> list[Message] | None:
    """The messages in a container's body, None when it is malformed or holds another container."""
    count = int.from_bytes(body[4:8], "little", signed=True)
    if not 0 <= count <= CONTAINER_LIMIT:
        return None
    messages, position = [], 8
    for _ in range(count):
        if position + MESSAGE.size > len(body):
            return None
        msg_id, seq_no, length = MESSAGE.unpack_from(body, position)
        position += MESSAGE.size
        inner = body[position : position + length]
        if length < 0 or len(inner) != length or inner[:4] == CONTAINER:
            return None
        messages.append(Message(msg_id, seq_no, inner))
        position += length
    return messages
