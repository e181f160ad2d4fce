"""Uploaded pictures: what they are and how large, refused as Telegram refuses them."""

import hashlib
import struct

from sandbox.botapi.errors import bad_request
from sandbox.botapi.model import Photo

MAX_BYTES = 10 * 1024 * 1024
MAX_SIDES = 10_000
"""Width and height together."""
MAX_RATIO = 20

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})
"""JPEG markers among the start-of-frame numbers that start no frame."""


def read_photo(content: bytes, *, number: int) -> Photo:
    """A PNG or JPEG upload as a photo; `number` makes its file id unique.

    Raises:
        ApiError: file must be non-empty, too big, no picture, or of impossible dimensions.
    """
    if not content:
        raise bad_request("file must be non-empty")
    if len(content) > MAX_BYTES:
        raise bad_request(f"file is too big for a photo: {len(content)} bytes, the maximum is {MAX_BYTES}")
    kind, size = _measure(content)
    if size is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    width, height = size
    if min(size) < 1 or width + height > MAX_SIDES or max(size) > MAX_RATIO * min(size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    digest = hashlib.sha256(content).hexdigest()[:20]
    return Photo(f"AgACAgSandbox{number:06d}{digest}", content, kind, width, height)


def _measure(content: bytes) -> tuple[str, tuple[int, int] | None]:
    if content.startswith(PNG) and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return "image/png", (width, height)
    if content.startswith(JPEG):
        return "image/jpeg", _jpeg_size(content)
    return "", None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in NO_FRAME:
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width, height
        place += 2 + length
    return None
