"""Parts of the protocol that Telethon does not use, and others do; and what no client should send."""

import os
import struct
import zlib
from collections.abc import Callable
from hashlib import sha1, sha256

import pytest
from telethon import functions, types
from telethon.crypto import AES, rsa
from telethon.tl.alltlobjects import LAYER

from sandbox.mtproto.authorizations import Salts
from sandbox.mtproto.crypto import AuthKey, DecryptionError, decrypt
from sandbox.mtproto.handshake import Handshake, HandshakeError
from sandbox.mtproto.keys import BadInnerDataError, ServerKey
from sandbox.mtproto.rpc import Dispatcher, MethodTable, method_name
from sandbox.mtproto.server import MTProtoServer
from sandbox.mtproto.session import BadMessage, Session, unpack_container
from sandbox.mtproto.wire import CONTAINER, GZIP_PACKED, MalformedError, gunzip, parse, serialize, tl_bytes
from sandbox.world import TelegramError
from tests.sandbox_fixtures import ALICE, account

INNER = types.PQInnerData(b"\x0f", b"\x03", b"\x05", nonce=1, server_nonce=2, new_nonce=3)


def rsa_raw(key: ServerKey, block: bytes) -> bytes:
    return pow(int.from_bytes(block, "big"), key.exponent, key.modulus).to_bytes(256, "big")


def rsa_pad(key: ServerKey, data: bytes) -> bytes:
    """The client's side of core.telegram.org/mtproto/auth_key#41-rsa-paddata-server-public-key."""
    padded = data + os.urandom(192 - len(data))
    while True:
        temp_key = os.urandom(32)
        with_hash = padded[::-1] + sha256(temp_key + padded).digest()
        encrypted = AES.encrypt_ige(with_hash, temp_key, bytes(32))
        mixed = bytes(a ^ b for a, b in zip(temp_key, sha256(encrypted).digest(), strict=True))
        if int.from_bytes(mixed + encrypted, "big") < key.modulus:
            return rsa_raw(key, mixed + encrypted)


def sha1_pad(key: ServerKey, data: bytes) -> bytes:
    block = b"\0" + sha1(data).digest() + data  # noqa: S324 - the protocol's
    return rsa_raw(key, block + os.urandom(256 - len(block)))


@pytest.mark.parametrize("pad", [rsa_pad, sha1_pad])
def test_both_paddings_of_the_inner_data_are_opened(pad: Callable[[ServerKey, bytes], bytes]) -> None:
    key = ServerKey.load()
    assert bytes(key.decrypt_inner(pad(key, bytes(INNER)))) == bytes(INNER)


def test_inner_data_that_proves_nothing_is_refused() -> None:
    key = ServerKey.load()
    with pytest.raises(BadInnerDataError, match="RSA_PAD"):
        key.decrypt_inner(rsa_raw(key, b"\x01" + bytes(255)))
    with pytest.raises(BadInnerDataError, match="SHA1"):
        key.decrypt_inner(rsa_raw(key, (bytes(21) + bytes(INNER)).ljust(256, b"\0")))
    with pytest.raises(BadInnerDataError, match="3 bytes"):
        key.decrypt_inner(b"abc")


def test_the_fingerprint_is_the_one_clients_compute() -> None:
    key = ServerKey.load()
    rsa.add_key(key.public_pem, old=False)
    assert key.fingerprint in rsa._server_keys


def test_a_handshake_of_another_client_is_refused() -> None:
    handshake = Handshake(ServerKey.load())
    with pytest.raises(HandshakeError, match="nonces"):
        handshake.answer(functions.ReqDHParamsRequest(1, 2, b"", b"", 0, b""))
    answer = handshake.answer(functions.ReqPqMultiRequest(nonce=5))
    assert answer is not None
    with pytest.raises(HandshakeError, match="another server's key"):
        handshake.answer(functions.ReqDHParamsRequest(5, answer.server_nonce, b"", b"", 1, b""))
    with pytest.raises(HandshakeError, match="GetConfigRequest outside"):
        handshake.answer(functions.help.GetConfigRequest())


def test_a_tampered_packet_does_not_open() -> None:
    key = AuthKey.of(os.urandom(256))
    with pytest.raises(DecryptionError, match="msg_key"):
        decrypt(key, os.urandom(24 + 64))
    with pytest.raises(DecryptionError, match="blocks"):
        decrypt(key, os.urandom(24 + 63))


def test_gzip_and_zlib_are_both_unpacked_but_no_bomb() -> None:
    assert gunzip(zlib.compress(b"tdlib")) == b"tdlib"
    with pytest.raises(MalformedError, match="8 MiB"):
        gunzip(zlib.compress(bytes(9 * 1024 * 1024)))
    with pytest.raises(MalformedError, match="unpack"):
        gunzip(b"neither")


def test_a_packed_query_inside_its_wrappers_is_read_as_tdlib_sends_it() -> None:
    packed = GZIP_PACKED + tl_bytes(zlib.compress(bytes(functions.help.GetConfigRequest())))
    head = struct.pack("<Ii", functions.InvokeWithLayerRequest.CONSTRUCTOR_ID, LAYER)
    assert isinstance(parse(head + packed).query, functions.help.GetConfigRequest)


def test_answers_may_be_booleans_and_vectors() -> None:
    assert parse(serialize(True)) is True
    assert parse(serialize(False)) is False
    assert serialize([1, -1]) == struct.pack("<Iiqq", 0x1CB5C415, 2, 1, -1)
    assert [one.user_id for one in parse(serialize([types.PeerUser(5)]))] == [5]


def test_a_truncated_object_is_malformed() -> None:
    with pytest.raises(MalformedError):
        parse(bytes(types.PeerUser(5))[:-4])


def message(msg_id: int, body: bytes) -> bytes:
    return struct.pack("<qii", msg_id, 1, len(body)) + body


def test_a_container_holds_messages_but_no_containers() -> None:
    inner = message(4, b"ping")
    one = CONTAINER + struct.pack("<i", 1)
    found = unpack_container(one + inner)
    assert found is not None
    assert (found[0].msg_id, found[0].body) == (4, b"ping")
    assert unpack_container(one + message(8, one + inner)) is None
    assert unpack_container(one + inner[:-1]) is None
    assert unpack_container(CONTAINER + struct.pack("<i", 2) + inner) is None
    assert unpack_container(CONTAINER + struct.pack("<i", 9999)) is None


def test_a_message_id_must_be_a_clients_and_of_now() -> None:
    session = Session(1)
    now = session.next_msg_id(0)
    assert session.complaint(now) is None
    assert session.complaint(now | 1) is BadMessage.ID_NOT_OF_CLIENT
    assert session.complaint(now - (301 << 32)) is BadMessage.ID_TOO_LOW
    assert session.complaint(now + (32 << 32)) is BadMessage.ID_TOO_HIGH


def test_message_ids_grow_even_within_one_tick_of_the_clock() -> None:
    session = Session(1)
    ids = [session.next_msg_id(1) for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert {one % 4 for one in ids} == {1}


def test_an_answer_is_kept_until_the_client_has_it() -> None:
    session = Session(1)
    packed = session.pack(b"answer..", content=True, answer=True)
    session.keep_answer(40, packed)
    assert session.kept_answer(40) == packed
    session.acknowledge([struct.unpack_from("<q", packed)[0]])
    assert session.kept_answer(40) is None


def test_future_salts_follow_each_other() -> None:
    salts = Salts(first=77)
    now, *later = salts.upcoming(4)
    assert now.value == salts.current() == 77
    assert [one.since for one in later] == [now.until, *(one.until for one in later[:-1])]
    assert salts.accepts(77)
    assert not salts.accepts(later[0].value)


def test_methods_are_named_as_telegram_names_them() -> None:
    assert method_name(functions.payments.ConnectStarRefBotRequest) == "payments.connectStarRefBot"
    assert method_name(functions.InvokeWithLayerRequest) == "invokeWithLayer"


async def test_a_client_must_introduce_itself_in_a_layer_the_server_knows(server: MTProtoServer) -> None:
    async with account(server, ALICE):
        authorization = next(iter(server.authorizations))
    dispatcher = Dispatcher([MethodTable()])
    call = server.call(authorization)
    wrapped = functions.InvokeWithLayerRequest(LAYER + 1, functions.help.GetConfigRequest())
    with pytest.raises(TelegramError, match="CONNECTION_LAYER_INVALID"):
        dispatcher.plan(call, wrapped)
    authorization.layer = None
    with pytest.raises(TelegramError, match="CONNECTION_NOT_INITED"):
        dispatcher.plan(call, functions.help.GetConfigRequest())
