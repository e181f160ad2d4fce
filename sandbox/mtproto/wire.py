"""TL bytes in and out: Telethon's generated classes, plus what a server needs on top of them.

See https://core.telegram.org/mtproto/serialize and
https://core.telegram.org/mtproto/service_messages#packed-object
"""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import TypeAlias

from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.tl import TLObject
from telethon.tl.core import GzipPacked

# What a handler may answer: an object, a Bool, or a vector of objects or longs.
TlValue: TypeAlias = "TLObject | bool | list[TLObject] | list[int]"

VECTOR = 0x1CB5C415
BOOL_TRUE = struct.pack("<I", 0x997275B5)
BOOL_FALSE = struct.pack("<I", 0xBC799737)
CONTAINER = struct.pack("<I", 0x73F1F8DC)
GZIP_PACKED = struct.pack("<I", GzipPacked.CONSTRUCTOR_ID)
RPC_RESULT = 0xF35C6D01

GZIP_FROM_BYTES = 512
GUNZIP_LIMIT = 8 * 1024 * 1024
ZLIB_OR_GZIP = 15 + 32  # zlib's window size, plus "find out which header it is"


class MalformedError(Exception):
    """Bytes that are not the TL they claim to be."""


def tl_bytes(data: bytes) -> bytes:
    """Serialize a TL `bytes`: length, data, padding to four."""
    packed: bytes = TLObject.serialize_bytes(data)
    return packed


def serialize(value: TlValue) -> bytes:
    """Serialize anything a method may answer."""
    if isinstance(value, bool):
        return BOOL_TRUE if value else BOOL_FALSE
    if isinstance(value, list):
        head = struct.pack("<Ii", VECTOR, len(value))
        return head + b"".join(struct.pack("<q", x) if isinstance(x, int) else bytes(x) for x in value)
    return bytes(value)


def gunzip(data: bytes) -> bytes:
    """Unpack gzip_packed data: TDLib sends zlib streams in it, Telethon gzip ones. Bounded at 8 MiB."""
    stream = zlib.decompressobj(ZLIB_OR_GZIP)
    try:
        plain = stream.decompress(data, GUNZIP_LIMIT)
    except zlib.error as error:
        raise MalformedError("gzip_packed does not unpack") from error
    if stream.unconsumed_tail:
        raise MalformedError("gzip_packed unpacks to more than 8 MiB")
    return plain


def gzip_if_smaller(body: bytes) -> bytes:
    """Pack an answer as Telegram does, when it is worth it."""
    if len(body) <= GZIP_FROM_BYTES:
        return body
    packed = GZIP_PACKED + tl_bytes(gzip.compress(body, compresslevel=1))
    return packed if len(packed) < len(body) else body


class Reader(BinaryReader):  # type: ignore[misc]  # Telethon is untyped, and its reader is the one to extend
    """Telethon's reader, which also unpacks gzip_packed where a `!X` query is nested.

    TDLib sends invokeWithLayer{initConnection{gzip_packed}}.
    """

    def tgread_object(self) -> TlValue:
        """Read one boxed object."""
        start: int = self.tell_position()
        if self.stream[start : start + 4] != GZIP_PACKED:
            value: TlValue = super().tgread_object()
            return value
        self.seek(4)
        return Reader(gunzip(self.tgread_bytes())).tgread_object()


def parse(data: bytes) -> TLObject:
    """Read one boxed object; trailing bytes (padding) are allowed.

    Raises:
        TypeNotFoundError: a constructor Telethon's layer does not have.
        MalformedError: anything else that is wrong with it.
    """
    try:
        return Reader(data).tgread_object()
    except TypeNotFoundError:
        raise
    except (BufferError, RuntimeError, ValueError, OverflowError, struct.error) as error:
        raise MalformedError(f"no TL object: {error}") from error
