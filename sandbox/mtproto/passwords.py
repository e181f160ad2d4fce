"""Two-step verification: the server's half of SRP-2048.

See https://core.telegram.org/api/srp
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from telethon import password as telethon_password
from telethon.tl import TLObject, types

from sandbox.mtproto.crypto import DH_BYTES, DH_GENERATOR, DH_PRIME
from sandbox.world.errors import bad_request

if TYPE_CHECKING:
    from sandbox.world.model import Person

CHALLENGES_KEPT = 256
PRIME_BYTES = DH_PRIME.to_bytes(DH_BYTES, "big")
GENERATOR_BYTES = DH_GENERATOR.to_bytes(DH_BYTES, "big")


@dataclass(frozen=True)
class Verifier:
    """What a server stores in place of a password: the KDF with its salts, and g^x."""

    algo: TLObject
    value: int


@dataclass(frozen=True)
class Challenge:
    """One server secret and the public number made of it; good for one attempt."""

    person_id: int
    verifier: Verifier
    secret: int
    public: bytes


@dataclass
class Passwords:
    """The challenges that wait for an answer."""

    _challenges: dict[int, Challenge] = field(default_factory=dict)

    def describe(self, person: Person) -> TLObject:
        """An `account.password`: the challenge to answer, or that there is no password."""
        unset = types.account.Password(
            new_algo=_kdf_algo(salt1=os.urandom(8)),
            new_secure_algo=types.SecurePasswordKdfAlgoPBKDF2HMACSHA512iter100000(os.urandom(8)),
            secure_random=os.urandom(256),
        )
        if person.password is None:
            return unset
        verifier = _verifier(person.password)
        srp_id, challenge = self._challenge(person.id, verifier)
        unset.has_password = True
        unset.current_algo = verifier.algo
        unset.srp_B, unset.srp_id = challenge.public, srp_id
        unset.hint = person.password_hint or None
        return unset

    def check(self, person: Person, answer: TLObject) -> None:
        """Check the answer to a challenge, which is used up by it.

        Raises:
            TelegramError: SRP_ID_INVALID, PASSWORD_HASH_INVALID.
        """
        if not isinstance(answer, types.InputCheckPasswordSRP):
            raise bad_request("PASSWORD_HASH_INVALID")
        challenge = self._challenges.pop(answer.srp_id, None)
        if challenge is None or challenge.person_id != person.id:
            raise bad_request("SRP_ID_INVALID")
        client_public = int.from_bytes(answer.A, "big")
        if not 0 < client_public < DH_PRIME:
            raise bad_request("PASSWORD_HASH_INVALID")
        if not secrets.compare_digest(_expected_proof(challenge, client_public), answer.M1):
            raise bad_request("PASSWORD_HASH_INVALID")

    def _challenge(self, person_id: int, verifier: Verifier) -> tuple[int, Challenge]:
        k = int.from_bytes(_hash(PRIME_BYTES, GENERATOR_BYTES), "big")
        secret = secrets.randbits(2048)
        public = (k * verifier.value + pow(DH_GENERATOR, secret, DH_PRIME)) % DH_PRIME
        srp_id = secrets.randbits(63)
        while len(self._challenges) >= CHALLENGES_KEPT:
            del self._challenges[next(iter(self._challenges))]
        challenge = Challenge(person_id, verifier, secret, public.to_bytes(DH_BYTES, "big"))
        self._challenges[srp_id] = challenge
        return srp_id, challenge


@cache
def _verifier(password: str) -> Verifier:
    """Made once: 100,000 rounds take a tenth of a second, and the salt of a made-up person guards nothing."""
    algo = _kdf_algo(salt1=os.urandom(40))
    x = int.from_bytes(telethon_password.compute_hash(algo, password), "big")
    return Verifier(algo, pow(DH_GENERATOR, x, DH_PRIME))


def _expected_proof(challenge: Challenge, client_public: int) -> bytes:
    """M1 of the page above: what only a client that knows the password can compute."""
    a_bytes, b_bytes = client_public.to_bytes(DH_BYTES, "big"), challenge.public
    u = int.from_bytes(_hash(a_bytes, b_bytes), "big")
    shared = pow(client_public * pow(challenge.verifier.value, u, DH_PRIME), challenge.secret, DH_PRIME)
    mixed = bytes(x ^ y for x, y in zip(_hash(PRIME_BYTES), _hash(GENERATOR_BYTES), strict=True))
    algo = challenge.verifier.algo
    key = _hash(shared.to_bytes(DH_BYTES, "big"))
    return _hash(mixed, _hash(algo.salt1), _hash(algo.salt2), a_bytes, b_bytes, key)


def _kdf_algo(salt1: bytes) -> TLObject:
    return types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow(
        salt1, os.urandom(16), DH_GENERATOR, PRIME_BYTES
    )


def _hash(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()
