"""Sessions at rest: without the key they are nothing, with it they open for their own account only."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import types

from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store.accounts import KnownPeer
from mtproto_bridge.telegram.sessions import BridgeSession, KeyRing, SessionKeyError, TelegramSession

OLD, NEW = Fernet.generate_key(), Fernet.generate_key()
ACCOUNT = AccountId(1001)
SESSION = TelegramSession(ACCOUNT, 2, "149.154.167.50", 443, bytes(range(256)))


# -- sealing -----------------------------------------------------------------------------------------------------


@given(st.integers(1, 2**52), st.integers(1, 5), st.text(max_size=40), st.integers(1, 65_535), st.binary(max_size=256))
def test_what_is_sealed_opens_as_it_was(account: int, dc: int, host: str, port: int, key: bytes) -> None:
    ring, session = KeyRing([OLD]), TelegramSession(AccountId(account), dc, host, port, key)
    assert ring.open(AccountId(account), ring.seal(session)) == session


def test_a_sealed_session_shows_nothing_and_is_another_one_each_time() -> None:
    ring = KeyRing([OLD])
    first, second = ring.seal(SESSION), ring.seal(SESSION)
    assert first != second
    assert SESSION.auth_key not in first
    assert SESSION.host.encode() not in first


def test_another_accounts_session_does_not_open_in_this_ones_place() -> None:
    """Who can write to the store must not make one account act as another."""
    ring = KeyRing([OLD])
    with pytest.raises(SessionKeyError, match=r"account 1002 is another account's"):
        ring.open(AccountId(1002), ring.seal(SESSION))


@pytest.mark.parametrize("sealed", [KeyRing([OLD]).seal(SESSION), b"", b"garbage", KeyRing([NEW]).seal(SESSION)[:-4]])
def test_what_another_key_sealed_is_refused_in_a_sentence(sealed: bytes) -> None:
    with pytest.raises(SessionKeyError) as caught:
        KeyRing([NEW]).open(ACCOUNT, sealed)
    assert "account 1001 was sealed with another key" in str(caught.value)
    assert "log the account in again" in str(caught.value)


def test_the_first_key_seals_and_the_older_ones_still_open() -> None:
    before = KeyRing([OLD]).seal(SESSION)
    ring = KeyRing([NEW, OLD])
    assert ring.open(ACCOUNT, before) == SESSION
    after = ring.seal(SESSION)
    assert KeyRing([NEW]).open(ACCOUNT, after) == SESSION
    with pytest.raises(SessionKeyError):
        KeyRing([OLD]).open(ACCOUNT, after)


# -- the key file ------------------------------------------------------------------------------------------------


def test_a_key_file_is_made_for_its_owner_alone_and_once(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "deep" / "session.key"
    umask = os.umask(0)
    try:
        ring, created = KeyRing.load_or_create(path)
    finally:
        os.umask(umask)
    assert created
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again, created = KeyRing.load_or_create(path)
    assert not created
    assert again.open(ACCOUNT, ring.seal(SESSION)) == SESSION


def test_a_key_file_may_hold_several_keys_a_line_each(tmp_path: Path) -> None:
    path = tmp_path / "session.key"
    path.write_bytes(NEW + b"\r\n" + OLD + b"\n\n")
    ring = KeyRing.load(path)
    assert ring.open(ACCOUNT, KeyRing([OLD]).seal(SESSION)) == SESSION
    assert KeyRing([NEW]).open(ACCOUNT, ring.seal(SESSION)) == SESSION


def test_a_ring_finds_the_key_that_was_added_to_its_file_meanwhile(tmp_path: Path) -> None:
    """Keys are rotated while bridges run; what an old key sealed still opens for who has it in memory."""
    path = tmp_path / "session.key"
    path.write_bytes(OLD)
    ring, before = KeyRing.load(path), KeyRing([OLD]).seal(SESSION)
    path.write_bytes(NEW)
    assert ring.open(ACCOUNT, before) == SESSION
    assert ring.open(ACCOUNT, KeyRing([NEW]).seal(SESSION)) == SESSION
    assert ring.keys == [NEW]


def test_a_file_that_got_worse_takes_no_key_from_a_ring(tmp_path: Path) -> None:
    path = tmp_path / "session.key"
    path.write_bytes(OLD)
    ring = KeyRing.load(path)
    path.write_bytes(Fernet.generate_key())
    with pytest.raises(SessionKeyError, match="sealed with another key"):
        ring.open(ACCOUNT, KeyRing([NEW]).seal(SESSION))
    path.unlink()
    with pytest.raises(SessionKeyError, match="there is no key file"):
        ring.open(ACCOUNT, KeyRing([NEW]).seal(SESSION))
    assert ring.open(ACCOUNT, KeyRing([OLD]).seal(SESSION)) == SESSION


def test_a_missing_key_file_is_a_sentence_and_none_is_made(tmp_path: Path) -> None:
    path = tmp_path / "session.key"
    with pytest.raises(SessionKeyError) as caught:
        KeyRing.load(path)
    assert str(caught.value).startswith(f"SESSION_KEY_FILE: there is no key file at {path}")
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"no key\n", b"A" * 43 + b"\n", NEW + b"\nhalf"],
    ids=["nothing", "no key", "too short", "a key and a half"],
)
def test_a_file_that_holds_no_keys_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "session.key"
    path.write_bytes(content)
    with pytest.raises(SessionKeyError, match="cannot be used as a key file"):
        KeyRing.load(path)


def test_a_folder_in_the_key_files_place_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SessionKeyError, match="cannot be used as a key file"):
        KeyRing.load(tmp_path)


# -- what an account knows ---------------------------------------------------------------------------------------


def user(number: int, access_hash: int | None = 5, **changes: object) -> types.User:
    return types.User(number, access_hash=access_hash, first_name="Name", username="name", **changes)


def channel(number: int, access_hash: int | None = 6, **changes: object) -> types.Channel:
    return types.Channel(
        number, title="News", photo=types.ChatPhotoEmpty(), date=None, access_hash=access_hash, **changes
    )


def answer(*, users: list[types.User] | None = None, chats: list[types.Channel] | None = None) -> object:
    return types.contacts.Found([], [], chats or [], users or [])


def test_hashes_of_channels_and_bots_are_kept_and_people_are_not() -> None:
    session = BridgeSession()
    session.process_entities(answer(users=[user(1, bot=True), user(2)], chats=[channel(3)]))
    learned = session.take_learned()
    assert learned == [KnownPeer(1, 5, "name", "Name"), KnownPeer(-1_000_000_000_003, 6, None, "News")]
    assert [session.hash_of(number) for number in (1, 2, -1_000_000_000_003)] == [5, None, 6]
    assert session.take_learned() == [], "told once"


@pytest.mark.parametrize(
    "seen",
    [
        answer(users=[user(1, bot=True, min=True)]),
        answer(users=[user(1, bot=True, access_hash=None)]),
        answer(chats=[channel(3, min=True)]),
        answer(chats=[channel(3, access_hash=None)]),
        types.PeerUser(1),
    ],
)
def test_a_hash_that_addresses_nothing_is_not_kept_and_does_not_replace_a_good_one(seen: object) -> None:
    good = [KnownPeer(1, 8, "bot", "Bot"), KnownPeer(-1_000_000_000_003, 9, None, "News")]
    session = BridgeSession(good)
    session.process_entities(seen)
    assert session.take_learned() == []
    assert [session.peer(one.peer_id) for one in good] == good


def test_what_changed_of_a_known_peer_is_learned_and_what_did_not_is_not() -> None:
    session = BridgeSession([KnownPeer(1, 5, "name", "Name")])
    session.process_entities(answer(users=[user(1, bot=True)]))
    assert session.take_learned() == []
    session.process_entities(answer(users=[user(1, access_hash=7, bot=True)]))
    assert session.take_learned() == [KnownPeer(1, 7, "name", "Name")]
    assert session.hash_of(1) == 7


def test_a_bot_with_several_usernames_is_known_by_its_first_active_one() -> None:
    session = BridgeSession()
    names = [types.Username("sold", active=False), types.Username("mine", active=True)]
    several = types.User(1, access_hash=5, first_name="Name", usernames=names, bot=True)
    session.process_entities(answer(users=[several]))
    assert session.take_learned() == [KnownPeer(1, 5, "mine", "Name")]


def test_a_resumed_session_is_the_one_that_was_exported() -> None:
    known = [KnownPeer(1, 5, "name", "Name")]
    session = BridgeSession.resume(SESSION, known)
    assert session.export(ACCOUNT) == SESSION
    assert session.peer(1) == known[0]
    assert session.take_learned() == []
