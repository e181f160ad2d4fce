"""The four TCP transports and their obfuscation: how packets are cut out of a socket's bytes.

See https://core.telegram.org/mtproto/mtproto-transports
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

ABRIDGED, INTERMEDIATE, PADDED = 0xEF, 0xEE, 0xDD
LONG_ABRIDGED = 0x7F
LENGTH_MASK = 0x7FFFFFFF  # the highest bit asks for a quick ack, which the sandbox never sends
MAX_PACKET = 2 * 1024 * 1024


class TransportError(ConnectionError):
    """Bytes that no client following the transport's rules would send."""


class Stream:
    """A socket's bytes, through the ciphers of obfuscation when there are any."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._decipher: CipherContext | None = None
        self._encipher: CipherContext | None = None
        self._unread = b""

    async def read(self, count: int) -> bytes:
        """Read exactly so many bytes; raises asyncio.IncompleteReadError when the client is gone."""
        if self._unread:
            head, self._unread = self._unread[:count], self._unread[count:]
            return head + await self._reader.readexactly(count - len(head))
        data = await self._reader.readexactly(count)
        return self._decipher.update(data) if self._decipher else data

    def unread(self, data: bytes) -> None:
        """Put bytes back, to be read again."""
        self._unread = data

    def write(self, data: bytes) -> None:
        """Queue bytes for the client."""
        self._writer.write(self._encipher.update(data) if self._encipher else data)

    def deobfuscate(self, start: bytes) -> bytes:
        """Derive both ciphers from the 64 bytes that start an obfuscated connection; returns them opened.

        See https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation
        """
        backwards = start[8:56][::-1]
        self._decipher = Cipher(algorithms.AES(start[8:40]), modes.CTR(start[40:56])).encryptor()
        self._encipher = Cipher(algorithms.AES(backwards[:32]), modes.CTR(backwards[32:])).encryptor()
        return self._decipher.update(start)


class Framing(Protocol):
    """One of the transports."""

    async def read(self, stream: Stream) -> bytes:
        """Read one packet."""

    def frame(self, packet: bytes) -> bytes:
        """The bytes that carry a packet to the client."""


async def detect(stream: Stream) -> Framing:
    """Find out from a connection's first bytes which transport the client speaks."""
    first = await stream.read(1)
    if first[0] == ABRIDGED:
        return Abridged()
    head = first + await stream.read(3)
    if head in (bytes([INTERMEDIATE] * 4), bytes([PADDED] * 4)):
        return _by_tag(head)
    head += await stream.read(4)
    if head[4:] == bytes(4):  # a length, then the first sequence number
        stream.unread(head)
        return Full()
    start = head + await stream.read(56)
    return _by_tag(stream.deobfuscate(start)[56:60])


def _by_tag(tag: bytes) -> Framing:
    if tag == bytes([ABRIDGED] * 4):
        return Abridged()
    if tag == bytes([INTERMEDIATE] * 4):
        return Intermediate()
    if tag == bytes([PADDED] * 4):
        return PaddedIntermediate()
    raise TransportError(f"unknown transport tag {tag.hex()}")


def _checked(length: int) -> int:
    if not 0 < length <= MAX_PACKET:
        raise TransportError(f"a packet of {length} bytes")
    return length


class Abridged:
    """Lengths in words, in one byte or four."""

    async def read(self, stream: Stream) -> bytes:
        """Read one packet."""
        words = (await stream.read(1))[0] & LONG_ABRIDGED
        if words == LONG_ABRIDGED:
            words = int.from_bytes(await stream.read(3), "little")
        return await stream.read(_checked(words * 4))

    def frame(self, packet: bytes) -> bytes:
        """The bytes that carry a packet to the client."""
        words = len(packet) // 4
        if words < LONG_ABRIDGED:
            return bytes([words]) + packet
        return bytes([LONG_ABRIDGED]) + words.to_bytes(3, "little") + packet


class Intermediate:
    """Lengths in bytes, in four bytes."""

    async def read(self, stream: Stream) -> bytes:
        """Read one packet."""
        length = int.from_bytes(await stream.read(4), "little") & LENGTH_MASK
        return await stream.read(_checked(length))

    def frame(self, packet: bytes) -> bytes:
        """The bytes that carry a packet to the client."""
        return struct.pack("<i", len(packet)) + packet


class PaddedIntermediate(Intermediate):
    """As intermediate, with 0 to 15 random bytes after the packet that the length includes.

    Telethon can cut off no more than 3 of them, so no more are sent.
    """

    async def read(self, stream: Stream) -> bytes:
        """Read one packet and cut off its padding."""
        packet = await super().read(stream)
        if len(packet) <= 24:  # too short to hold a message: a transport error or an ack
            return packet
        if packet[:8] == bytes(8):
            return packet[: 20 + int.from_bytes(packet[16:20], "little")]
        return packet[: 24 + (len(packet) - 24) // 16 * 16]

    def frame(self, packet: bytes) -> bytes:
        """The bytes that carry a packet to the client."""
        return super().frame(packet + os.urandom(os.urandom(1)[0] % 4))


class Full:
    """Length, sequence number and CRC32 around each packet."""

    def __init__(self) -> None:
        self._received = 0
        self._sent = 0

    async def read(self, stream: Stream) -> bytes:
        """Read one packet and check its number and checksum."""
        head = await stream.read(8)
        length, number = struct.unpack("<ii", head)
        rest = await stream.read(_checked(length - 8))
        packet, checksum = rest[:-4], int.from_bytes(rest[-4:], "little")
        if number != self._received or zlib.crc32(head + packet) != checksum:
            raise TransportError("a packet out of sequence or with a wrong checksum")
        self._received += 1
        return packet

    def frame(self, packet: bytes) -> bytes:
        """The bytes that carry a packet to the client."""
        data = struct.pack("<ii", len(packet) + 12, self._sent) + packet
        self._sent += 1
        return data + struct.pack("<I", zlib.crc32(data))
