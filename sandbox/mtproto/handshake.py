"""Creating an authorization key with a client, the server's side.

See https://core.telegram.org/mtproto/auth_key
"""

from __future__ import annotations

import os
import secrets
import struct
import time
from hashlib import sha1
from typing import TYPE_CHECKING

from telethon.crypto import AES
from telethon.tl import TLObject, functions, types

from sandbox.mtproto.crypto import DH_BYTES, DH_GENERATOR, DH_PRIME, AuthKey
from sandbox.mtproto.wire import Reader

if TYPE_CHECKING:
    from sandbox.mtproto.keys import ServerKey

# A quarter of the usual length makes a handshake four times as fast; there is nothing here to protect.
EXPONENT_BYTES = 64
# Telegram's primes are just under 2^31 and their product takes Telethon 60 ms to factorize, most of a
# handshake. That keeps floods from Telegram; these keep tests quick.
PRIME_BITS = 24
SAFE_MARGIN = 1 << (2048 - 64)


class HandshakeError(Exception):
    """The client did not do its part; Telegram closes the connection on it."""


class Handshake:
    """One client's way through req_pq, req_DH_params and set_client_DH_params.

    `finished` is set to the key and its first salt when the client has both.
    """

    def __init__(self, server_key: ServerKey) -> None:
        self._server_key = server_key
        self.finished: tuple[AuthKey, int] | None = None
        self._nonce = self._server_nonce = self._new_nonce = 0
        self._p, self._q = 0, 0
        self._exponent = 0
        self._aes_key, self._aes_iv = b"", b""

    def answer(self, request: TLObject) -> TLObject | None:
        """Answer one unencrypted message; None for those that need no answer."""
        match request:
            case functions.ReqPqMultiRequest() | functions.ReqPqRequest():
                return self._start(request)
            case functions.ReqDHParamsRequest():
                return self._offer(request)
            case functions.SetClientDHParamsRequest():
                return self._finish(request)
            case types.MsgsAck():
                return None
            case _:
                raise HandshakeError(f"{type(request).__name__} outside an encrypted message")

    def _start(self, request: TLObject) -> TLObject:
        self._p, self._q = sorted((_prime(), _prime()))
        self._nonce = request.nonce
        self._server_nonce = int.from_bytes(os.urandom(16), "little", signed=True)
        product = self._p * self._q
        pq = product.to_bytes(8, "big")  # eight bytes as at Telegram: Telethon reads a set top bit as a sign
        return types.ResPQ(self._nonce, self._server_nonce, pq, [self._server_key.fingerprint])

    def _offer(self, request: TLObject) -> TLObject:
        self._check_nonces(request)
        if request.public_key_fingerprint != self._server_key.fingerprint:
            raise HandshakeError("another server's key")
        inner = self._server_key.decrypt_inner(request.encrypted_data)
        self._check_nonces(inner)
        self._new_nonce = inner.new_nonce
        if [int.from_bytes(x, "big") for x in (inner.p, inner.q)] != [self._p, self._q]:
            return self._refuse()
        self._derive_temporary_key()
        self._exponent = int.from_bytes(os.urandom(EXPONENT_BYTES), "big")
        g_a = pow(DH_GENERATOR, self._exponent, DH_PRIME)
        plain = bytes(
            types.ServerDHInnerData(
                self._nonce, self._server_nonce, DH_GENERATOR, _long(DH_PRIME), _long(g_a), int(time.time())
            )
        )
        sealed = AES.encrypt_ige(_with_hash(plain), self._aes_key, self._aes_iv)
        return types.ServerDHParamsOk(self._nonce, self._server_nonce, sealed)

    def _refuse(self) -> TLObject:
        """For wrong factors. Telethon's factorization finds none once in some thousand times, and starts over."""
        hashed = int.from_bytes(_sha1(self._new_nonce_bytes)[4:20], "little", signed=True)
        return types.ServerDHParamsFail(self._nonce, self._server_nonce, hashed)

    def _finish(self, request: TLObject) -> TLObject:
        self._check_nonces(request)
        plain: bytes = AES.decrypt_ige(request.encrypted_data, self._aes_key, self._aes_iv)
        reader = Reader(plain[20:])
        inner: TLObject = reader.tgread_object()
        if _sha1(plain[20 : 20 + reader.tell_position()]) != plain[:20]:
            raise HandshakeError("the client's DH data is not what it hashed")
        self._check_nonces(inner)
        g_b = int.from_bytes(inner.g_b, "big")
        if not SAFE_MARGIN < g_b < DH_PRIME - SAFE_MARGIN:
            raise HandshakeError("g_b is out of bounds")
        key = AuthKey.of(_long(pow(g_b, self._exponent, DH_PRIME)))
        self.finished = key, self._first_salt()
        confirmed = _sha1(self._new_nonce_bytes + b"\x01" + struct.pack("<Q", key.aux_hash))[4:20]
        return types.DhGenOk(self._nonce, self._server_nonce, int.from_bytes(confirmed, "little", signed=True))

    @property
    def _new_nonce_bytes(self) -> bytes:
        return self._new_nonce.to_bytes(32, "little", signed=True)

    def _check_nonces(self, message: TLObject) -> None:
        if not self._p or (message.nonce, message.server_nonce) != (self._nonce, self._server_nonce):
            raise HandshakeError("the nonces are another handshake's")

    def _derive_temporary_key(self) -> None:
        new, server = self._new_nonce_bytes, self._server_nonce.to_bytes(16, "little", signed=True)
        hashes = _sha1(new + server) + _sha1(server + new) + _sha1(new + new)
        self._aes_key, self._aes_iv = hashes[:32], hashes[32:] + new[:4]

    def _first_salt(self) -> int:
        server = self._server_nonce.to_bytes(16, "little", signed=True)
        mixed = bytes(a ^ b for a, b in zip(self._new_nonce_bytes[:8], server[:8], strict=True))
        return int.from_bytes(mixed, "little", signed=True)


def _prime() -> int:
    """A random prime: Fermat's test with a few bases is plenty for a proof of work."""
    while True:
        candidate = secrets.randbits(PRIME_BITS) | (1 << (PRIME_BITS - 1)) | 1
        if all(candidate % d for d in (3, 5, 7, 11, 13)) and all(
            pow(base, candidate - 1, candidate) == 1 for base in (2, 3, 5, 7, 11)
        ):
            return candidate


def _long(number: int) -> bytes:
    return number.to_bytes(DH_BYTES, "big")


def _sha1(data: bytes) -> bytes:
    return sha1(data).digest()  # noqa: S324 - the protocol's


def _with_hash(plain: bytes) -> bytes:
    hashed = _sha1(plain) + plain
    return hashed + os.urandom(-len(hashed) % 16)
