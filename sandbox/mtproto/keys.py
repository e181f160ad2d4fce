"""The sandbox's RSA key, which replaces Telegram's in a client that is pointed at the sandbox.

The key is committed and therefore secret to nobody: it may only ever be trusted on a loopback address.
See https://core.telegram.org/mtproto/auth_key#presenting-proof-of-work-server-authentication
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha1, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from telethon.crypto import AES

from sandbox.mtproto.wire import Reader, parse, tl_bytes

if TYPE_CHECKING:
    from telethon.tl import TLObject

TEST_KEY_FILE = Path(__file__).with_name("test_key.pem")
RSA_BYTES = 256
PADDED_BYTES = 192  # what RSA_PAD pads the inner data to


class BadInnerDataError(Exception):
    """The RSA-encrypted part of the handshake does not decrypt to anything that proves itself."""


@dataclass(frozen=True)
class ServerKey:
    """A server's RSA key: private here, and everything a client needs in order to trust it."""

    private: rsa.RSAPrivateKey

    @classmethod
    @cache  # each world has a server, and to check the primes takes long
    def load(cls, path: Path = TEST_KEY_FILE) -> ServerKey:
        """Read a PKCS#1 PEM private key; by default the committed test key."""
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{path.name} is not an RSA key")
        return cls(key)

    @cached_property
    def numbers(self) -> rsa.RSAPrivateNumbers:
        """The key's integers, with the primes that make decryption four times as fast."""
        return self.private.private_numbers()

    @property
    def modulus(self) -> int:
        """N of the public key."""
        return self.numbers.public_numbers.n

    @property
    def exponent(self) -> int:
        """E of the public key."""
        return self.numbers.public_numbers.e

    @cached_property
    def public_pem(self) -> str:
        """The public key as PKCS#1 PEM ("BEGIN RSA PUBLIC KEY"), the form clients embed."""
        public = self.private.public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
        return pem.decode()

    @cached_property
    def fingerprint(self) -> int:
        """The lower 64 bits of the SHA1 of the bare TL form of the key, signed."""
        bare = tl_bytes(_to_bytes(self.modulus)) + tl_bytes(_to_bytes(self.exponent))
        return int.from_bytes(sha1(bare).digest()[-8:], "little", signed=True)  # noqa: S324 - the protocol's

    def decrypt_inner(self, encrypted: bytes) -> TLObject:
        """Open the encrypted part of req_DH_params: some form of p_q_inner_data.

        Telethon and Kurigram still pad it with a SHA1, everybody else with RSA_PAD.
        """
        if len(encrypted) != RSA_BYTES:
            raise BadInnerDataError(f"{len(encrypted)} bytes instead of {RSA_BYTES}")
        block = self._raw_decrypt(encrypted)
        return _open_sha1(block) if block[0] == 0 else _open_rsa_pad(block)

    def _raw_decrypt(self, encrypted: bytes) -> bytes:
        numbers, cipher = self.numbers, int.from_bytes(encrypted, "big")
        by_p = pow(cipher, numbers.dmp1, numbers.p)
        by_q = pow(cipher, numbers.dmq1, numbers.q)
        plain = by_q + (numbers.iqmp * (by_p - by_q) % numbers.p) * numbers.q
        return plain.to_bytes(RSA_BYTES, "big")


def _open_sha1(block: bytes) -> TLObject:
    """Layout: 0, SHA1(data), data, random padding; the data's own structure says where it ends."""
    digest, body = block[1:21], block[21:]
    reader = Reader(body)
    inner = reader.tgread_object()
    if sha1(body[: reader.tell_position()]).digest() != digest:  # noqa: S324 - the protocol's
        raise BadInnerDataError("the SHA1 does not match")
    return inner


def _open_rsa_pad(block: bytes) -> TLObject:
    """Layout: temp_key xor SHA256(rest), then AES-256-IGE over the reversed data and its SHA256."""
    key_xor, encrypted = block[:32], block[32:]
    key = bytes(a ^ b for a, b in zip(key_xor, sha256(encrypted).digest(), strict=True))
    with_hash: bytes = AES.decrypt_ige(encrypted, key, bytes(32))
    padded = with_hash[:PADDED_BYTES][::-1]
    if sha256(key + padded).digest() != with_hash[PADDED_BYTES:]:
        raise BadInnerDataError("the SHA256 of RSA_PAD does not match")
    return parse(padded)


def _to_bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
