"""MTProto 2.0 keys and message encryption, the server's side.

See https://core.telegram.org/mtproto/description#defining-aes-key-and-initialization-vector
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from hashlib import sha1, sha256

from telethon.crypto import AES

# Telegram's published 2048-bit safe prime; clients compare against it instead of proving a new one.
# https://core.telegram.org/mtproto/auth_key#dh-key-exchange-complete
DH_PRIME = int(
    "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F48198A0AA7C14058229493D22530F4DB"
    "FA336F6E0AC925139543AED44CCE7C3720FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F64"
    "2477FE96BB2A941D5BCD1D4AC8CC49880708FA9B378E3C4F3A9060BEE67CF9A4A4A695811051907E162753B56B0F6B41"
    "0DBA74D8A84B2A14B3144E0EF1284754FD17ED950D5965B4B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4"
    "E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F0D8115F635B105EE2E4E15D04B2454BF"
    "6F4FADF034B10403119CD8E3B92FCC5B",
    16,
)
DH_GENERATOR = 3
DH_BYTES = 256

HEADER = struct.Struct("<qqqii")  # salt, session id, message id, seqno, length
MIN_PADDING, MAX_PADDING = 12, 1024


class DecryptionError(Exception):
    """A packet that this key did not encrypt, or that was tampered with."""


@dataclass(frozen=True, slots=True)
class AuthKey:
    """A client's authorization key and the two numbers derived from it."""

    data: bytes
    id: int
    aux_hash: int

    @classmethod
    def of(cls, data: bytes) -> AuthKey:
        """Derive the key's id (lower 64 bits of its SHA1) and auxiliary hash (higher 64)."""
        digest = sha1(data).digest()  # noqa: S324 - the protocol's
        return cls(
            data,
            id=int.from_bytes(digest[12:20], "little", signed=True),
            aux_hash=int.from_bytes(digest[:8], "little"),
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """A decrypted message from a client, before its body is looked at."""

    salt: int
    session_id: int
    msg_id: int
    seq_no: int
    body: bytes


def decrypt(key: AuthKey, packet: bytes) -> Envelope:
    """Open a client's packet (auth_key_id, msg_key, data), with all checks the security guidelines ask for.

    See https://core.telegram.org/mtproto/security_guidelines
    """
    msg_key, data = packet[8:24], packet[24:]
    if len(data) % 16 or len(data) < HEADER.size + MIN_PADDING:
        raise DecryptionError("the length is not a whole number of blocks")
    plain: bytes = AES.decrypt_ige(data, *_kdf(key.data, msg_key, x=0))
    if sha256(key.data[88:120] + plain).digest()[8:24] != msg_key:
        raise DecryptionError("the msg_key does not match")
    salt, session_id, msg_id, seq_no, length = HEADER.unpack_from(plain)
    padding = len(plain) - HEADER.size - length
    if length < 0 or length % 4 or not MIN_PADDING <= padding <= MAX_PADDING:
        raise DecryptionError("the padding is out of bounds")
    return Envelope(salt, session_id, msg_id, seq_no, plain[HEADER.size : HEADER.size + length])


def encrypt(key: AuthKey, salt: int, session_id: int, message: bytes) -> bytes:
    """Seal a message (its id, seqno, length and body) for the client."""
    plain = struct.pack("<qq", salt, session_id) + message
    plain += os.urandom(-(len(plain) + MIN_PADDING) % 16 + MIN_PADDING)
    msg_key = sha256(key.data[96:128] + plain).digest()[8:24]
    sealed: bytes = AES.encrypt_ige(plain, *_kdf(key.data, msg_key, x=8))
    return struct.pack("<q", key.id) + msg_key + sealed


def _kdf(key: bytes, msg_key: bytes, *, x: int) -> tuple[bytes, bytes]:
    """AES key and iv of a message; x is 0 from client to server and 8 back."""
    a = sha256(msg_key + key[x : x + 36]).digest()
    b = sha256(key[x + 40 : x + 76] + msg_key).digest()
    return a[:8] + b[8:24] + a[24:32], b[:8] + a[8:24] + b[24:32]
