"""The operator's commands for accounts: seeing them, removing one, rotating the keys of their sessions."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import select, update

from mtproto_bridge import check, removal
from mtproto_bridge.app import QueueError, database_url
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.login import login
from mtproto_bridge.overview import overview
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import AccountId, BalanceId, BotId
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.leases import Leases
from mtproto_bridge.queue.redis import QueueServer
from mtproto_bridge.rotation import rotate_keys
from mtproto_bridge.store import accounts, open_store, tables
from mtproto_bridge.telegram.key_file import rewrite
from mtproto_bridge.telegram.limits import MOST_CHANNELS, MOST_CHANNELS_PREMIUM, RESERVED_CHANNELS, free_channels
from mtproto_bridge.telegram.sessions import KeyRing
from sandbox.mtproto.authorizations import Authorization
from sandbox.mtproto.connection import Connection
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World
from sandbox.world.faults import Fault
from tests.bridge_fixtures import BridgeSite, ScriptedConsole, bridge_site, caller
from tests.integration.test_login import command
from tests.sandbox_fixtures import ALICE, BOB, NEWS, QUIZ

PATIENCE = 30
OWNER = caller(ALICE)
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
FREE = MOST_CHANNELS - RESERVED_CHANNELS
KEYS = Keys()


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    """Alice's account and Bob's, which serves the channel News."""
    async with bridge_site(server, BOB, ALICE) as made:
        yield made


@pytest.fixture
async def queue(site: BridgeSite) -> AsyncIterator[QueueServer]:
    server = QueueServer(site.redis_url)
    yield server
    await server.close()


async def shown(site: BridgeSite, **changes: object) -> tuple[list[str], list[str]]:
    """The lines of the table, and the warnings."""
    said: list[str] = []
    warned: list[str] = []
    assert await overview(site.settings(**changes), said.append, warned.append, now=lambda: NOW) == 0
    return said, warned


async def rows(site: BridgeSite) -> dict[int, dict[str, object]]:
    said: list[str] = []
    assert await overview(site.settings(), said.append, said.append, as_json=True, now=lambda: NOW) == 0
    (text,) = said
    return {one["id"]: one for one in json.loads(text)}


async def remove(
    site: BridgeSite, account: int, *answers: str, yes: bool = False, forget: bool = False, **changes: object
) -> tuple[int, ScriptedConsole]:
    console = ScriptedConsole(answers)
    async with asyncio.timeout(PATIENCE):
        code = await removal.remove(site.settings(**changes), account, console, yes=yes, forget=forget)
    return code, console


async def kept(site: BridgeSite, account: int) -> tuple[str, bytes, int]:
    """An account's state, its sealed session, and how many access hashes it has."""
    store = await open_store(database_url(site.settings()))
    try:
        async with store.begin() as session:
            row = await accounts.get_account(session, AccountId(account))
            assert row is not None
            return row.state, row.session, len(await accounts.known_peers(session, AccountId(account)))
    finally:
        await store.close()


async def put_session(site: BridgeSite, account: int, sealed: bytes) -> None:
    store = await open_store(database_url(site.settings()))
    async with store.begin() as session:
        await session.execute(update(tables.Account).where(tables.Account.id == account).values(session=sealed))
    await store.close()


def logged_in(server: MTProtoServer) -> set[int]:
    return {one.account_id for one in server.authorizations if one.account_id}


async def served(queue: QueueServer, *wanted: int) -> None:
    """Wait until a bridge serves these accounts, and no others of the two."""
    async with asyncio.timeout(PATIENCE):
        while {one for one in (ALICE, BOB) if await queue.get(KEYS.lease(AccountId(one)))} != set(wanted):  # noqa: ASYNC110 - the bridge runs in this loop
            await asyncio.sleep(0.02)


async def titles(client: BridgeClient) -> list[str]:
    return [one.title for one in (await client.list_balances(OWNER)).balances]


async def news(site: BridgeSite) -> BalanceId:
    """The number of Alice's channel, which Bob's account serves."""
    store = await open_store(database_url(site.settings()))
    async with store.begin() as session:
        found = await session.scalar(select(tables.Balance.id).where(tables.Balance.peer_id == NEWS))
    await store.close()
    assert found
    return BalanceId(found)


# -- seeing them ---------------------------------------------------------------------------------------------------


async def test_accounts_are_shown_with_their_channels_and_what_is_free(site: BridgeSite) -> None:
    said, warned = await shown(site)
    assert [line.split() for line in said] == [
        ["id", "name", "username", "state", "channels", "free"],
        [str(ALICE), "Alice", "@alice", "waiting", "0", str(FREE)],
        [str(BOB), "Bob", "@bobby", "waiting", "1", str(FREE - 1)],
    ]
    assert warned == []


async def test_who_serves_an_account_is_shown(site: BridgeSite, queue: QueueServer) -> None:
    async with site.bridge(bridge_name="north"):
        await served(queue, ALICE, BOB)
        found = await rows(site)
    assert {(one["state"], one["bridge"]) for one in found.values()} == {("served by north", "north")}
    assert {one["state"] for one in (await rows(site)).values()} == {"waiting"}


async def test_flood_waits_that_are_not_over_are_shown(site: BridgeSite, queue: QueueServer) -> None:
    floods = {
        "contacts.resolveUsername": NOW + timedelta(hours=1, seconds=5),
        "payments.connectStarRefBot": NOW + timedelta(days=1),
        "help.getConfig": NOW,
    }
    written = {method: str(int(until.timestamp() * 1000)) for method, until in floods.items()}
    await queue.hash_put(KEYS.floods(AccountId(BOB)), written)
    found = (await rows(site))[BOB]
    assert found["state"] == (
        "waiting, flood until 13:00:05 UTC (contacts.resolveUsername), "
        "flood until 2026-11-02 12:00:00 UTC (payments.connectStarRefBot)"
    )
    assert found["floods"] == {
        method: until.isoformat() for method, until in floods.items() if method != "help.getConfig"
    }


async def test_a_logged_out_account_is_shown_with_what_to_do_and_has_no_room(site: BridgeSite) -> None:
    store = await open_store(database_url(site.settings()))
    async with store.begin() as session:
        await accounts.set_state(session, AccountId(BOB), before="ready", after="logged_out")
    await store.close()
    found = (await rows(site))[BOB]
    assert (found["state"], found["free"]) == ("logged out: run `python -m mtproto_bridge login`", 0)
    assert found["kept"] == "logged_out", "for programs"


async def test_without_the_queue_the_rest_is_shown_and_a_sentence_says_what_is_missing(site: BridgeSite) -> None:
    said, (warning,) = await shown(site, redis_url=SecretStr(f"unix://{site.folder}/nowhere.sock"))
    assert said[2].split()[:5] == [str(BOB), "Bob", "@bobby", "logged", "in"]
    assert warning.startswith("REDIS_URL: the server does not answer")
    assert warning.endswith("Who serves what, and flood waits, are not known.")


async def test_a_name_cannot_move_the_terminals_cursor(site: BridgeSite) -> None:
    store = await open_store(database_url(site.settings()))
    async with store.begin() as session:
        renamed = update(tables.Account).where(tables.Account.id == BOB)
        await session.execute(renamed.values(name="B\x1b[2J\u202eo\nb"))
    await store.close()
    assert "B[2Job" in (await shown(site))[0][2]


async def test_without_accounts_the_next_step_is_said(server: MTProtoServer) -> None:
    async with bridge_site(server) as site:
        said, _ = await shown(site)
        assert said == ["No account is logged in: run `python -m mtproto_bridge login`."]


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("frozen", "frozen by Telegram: it may read, not act"),
        ("banned", "banned or deleted at Telegram: its channels wait for another account"),
    ],
)
async def test_an_account_that_telegram_froze_or_banned_says_so_and_has_no_room(
    site: BridgeSite, state: str, sentence: str
) -> None:
    store = await open_store(database_url(site.settings()))
    async with store.begin() as session:
        await accounts.set_state(session, AccountId(BOB), before="ready", after=state)
    await store.close()
    found = (await rows(site))[BOB]
    assert str(found["state"]).startswith(sentence)
    assert (found["kept"], found["free"]) == (state, 0)
    wrong = [said async for fine, said in check.findings(site.settings()) if fine is False]
    assert len(wrong) == 1
    assert wrong[0].startswith(f"Account {BOB} is {sentence}")


async def test_premium_makes_more_room(site: BridgeSite) -> None:
    store = await open_store(database_url(site.settings()))
    async with store.begin() as session:
        await accounts.note_allowed(session, AccountId(BOB), premium=True, may_connect=None, at=NOW)
    await store.close()
    assert (await rows(site))[BOB]["free"] == MOST_CHANNELS_PREMIUM - RESERVED_CHANNELS - 1


@pytest.mark.parametrize(("held", "free"), [(0, FREE), (FREE - 1, 1), (FREE, 0), (MOST_CHANNELS + 1, 0)])
def test_the_room_of_an_account_ends_at_the_reserve(held: int, free: int) -> None:
    assert free_channels(held) == free


# -- removing one --------------------------------------------------------------------------------------------------


async def test_an_account_that_a_bridge_serves_is_handed_over_logged_out_and_erased(
    site: BridgeSite, server: MTProtoServer, queue: QueueServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its key is never used from two places, for which Telegram voids it."""
    twice: list[Connection] = []

    def seen(connection: Connection, authorization: Authorization) -> None:
        others = [one for one in server.connections if one is not connection]
        twice.extend(one for one in others if one.authorization is authorization)

    monkeypatch.setattr(server, "seen", seen)
    async with site.bridge(), site.client() as client:
        await served(queue, ALICE, BOB)
        assert await titles(client) == ["News", "Alice", "Quiz"], "both accounts are connected"
        code, console = await remove(site, BOB, "yes")
        assert code == 0, console.said
        assert console.said[-1] == f"Account {BOB} is logged out at Telegram, and its key and access hashes are erased."
        assert logged_in(server) == {ALICE}
        assert await kept(site, BOB) == ("removed", b"", 0)
        await served(queue, ALICE, BOB)
        site.clock.move(seconds=61)  # lists may use what was proven within a minute
        assert await titles(client) == ["Alice", "Quiz"], "the others go on"
        with pytest.raises(BridgeError) as caught:
            await client.show_affiliation(OWNER, await news(site), BotId(QUIZ))
        assert caught.value.code == ErrorCode.ACCOUNT_UNAVAILABLE, "an answer, and at once"
        assert (server.calls["auth.logOut"], twice) == (1, [])
    found = await rows(site)
    assert (found[BOB]["state"], found[BOB]["channels"], found[BOB]["free"]) == (
        "removed: its channels wait for another account",
        1,
        0,
    )
    code, console = await remove(site, BOB, yes=True)
    assert code == 1
    assert "was removed before" in console.said[0]
    await site.log_in(server.world.people[BOB])
    assert (await rows(site))[BOB]["state"] == "waiting", "a new log-in brings it back"


async def test_channels_of_a_removed_account_are_taken_by_another_that_may_post_in_them(
    site: BridgeSite, server: MTProtoServer
) -> None:
    for account in (BOB, ALICE):
        assert (await remove(site, account, yes=True))[0] == 0
    await site.log_in(server.world.people[ALICE])
    found = await rows(site)
    assert BOB not in found, "nothing waits for it any more"
    assert found[ALICE]["channels"] == 1


async def test_nothing_is_removed_without_a_yes_and_what_becomes_of_channels_is_said_first(
    site: BridgeSite, server: MTProtoServer
) -> None:
    before = await kept(site, BOB)
    for answers in ([], ["no"], [""], ["y"]):
        code, console = await remove(site, BOB, *answers)
        assert code == 1
        assert console.said[0].startswith(f"{BOB} (Bob) is to be logged out at Telegram")
        assert console.said[1].startswith("Channels it serves: 1. They stay known")
        assert console.said[-1] == "Nothing was removed."
    assert await kept(site, BOB) == before
    assert BOB in logged_in(server)


async def test_an_unknown_account_is_a_sentence(site: BridgeSite) -> None:
    code, console = await remove(site, 404, yes=True)
    assert code == 1
    assert console.said == ["Account 404 is none of ours: `python -m mtproto_bridge accounts` lists them."]


async def test_while_a_bridge_keeps_the_account_nothing_is_sent_and_the_bridge_is_named(
    site: BridgeSite, server: MTProtoServer, queue: QueueServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that hangs, or of a version that does not hand over."""
    monkeypatch.setattr(removal, "HANDOVER_SECONDS", -2.5)
    await Leases(queue, KEYS, "south", 60).take([AccountId(BOB)], 1)
    before, begun = await kept(site, BOB), len(server.connections)
    code, console = await remove(site, BOB, yes=True, forget=True)
    assert code == 1
    assert console.said[-1].startswith("south still serves it, so nothing was removed: stop that bridge")
    assert await kept(site, BOB) == before
    assert (server.calls["auth.logOut"], len(server.connections)) == (0, begun)


async def test_a_removal_that_is_stopped_while_it_waits_changes_nothing(site: BridgeSite, queue: QueueServer) -> None:
    await Leases(queue, KEYS, "south", 60).take([AccountId(BOB)], 1)
    before = await kept(site, BOB)
    removing = asyncio.create_task(remove(site, BOB, yes=True))
    while (await kept(site, BOB))[0] != "leaving":
        assert not removing.done()
    removing.cancel()  # as Ctrl-C does
    await asyncio.wait([removing])
    assert await kept(site, BOB) == before


async def test_without_the_queue_nobody_is_removed(site: BridgeSite, server: MTProtoServer) -> None:
    with pytest.raises(QueueError, match="does not answer"):
        await remove(site, BOB, yes=True, redis_url=SecretStr(f"unix://{site.folder}/nowhere.sock"))
    assert (await kept(site, BOB))[0] == "ready"
    assert BOB in logged_in(server)


async def test_an_embedded_queue_that_is_not_running_is_started_for_it(site: BridgeSite, server: MTProtoServer) -> None:
    elsewhere = site.folder / "idle"
    store = SecretStr(database_url(site.settings()))
    code, console = await remove(site, BOB, yes=True, redis_url=None, data_dir=elsewhere, database_url=store)
    assert code == 0, console.said
    assert logged_in(server) == {ALICE}


async def test_when_telegram_is_out_of_reach_it_stays_unless_it_is_to_be_forgotten(
    site: BridgeSite, server: MTProtoServer
) -> None:
    before = await kept(site, BOB)
    await server.stop()
    code, console = await remove(site, BOB, yes=True)
    assert code == 1
    assert console.said[-2].startswith("Telegram cannot be reached from here")
    assert console.said[-1] == "Nothing was removed here. To erase it all the same, run the command with --forget."
    assert await kept(site, BOB) == before
    code, console = await remove(site, BOB, yes=True, forget=True)
    assert code == 0
    assert "If it is still logged in at Telegram, end that in its app" in console.said[-1]
    assert await kept(site, BOB) == ("removed", b"", 0)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault("flood_wait", "auth.logOut", seconds=42), "Telegram asks to wait 42 seconds"),
        (Fault("error", "auth.logOut", code=400, message="SOMETHING_NEW"), "did not log it out (SOMETHING_NEW)"),
    ],
)
async def test_what_telegram_refuses_is_a_sentence_and_the_account_stays(
    site: BridgeSite, world: World, fault: Fault, sentence: str
) -> None:
    world.faults.set(fault)
    before = await kept(site, BOB)
    code, console = await remove(site, BOB, yes=True)
    assert code == 1
    assert sentence in console.said[-2]
    assert await kept(site, BOB) == before


async def test_a_session_that_is_void_already_is_only_erased_when_it_is_to_be_forgotten(
    site: BridgeSite, world: World
) -> None:
    world.end_sessions(BOB)
    code, console = await remove(site, BOB, yes=True)
    assert code == 1
    assert console.said[-2] == "Its session is void already: Telegram says AUTH_KEY_UNREGISTERED."
    assert (await kept(site, BOB))[0] == "ready"
    assert (await remove(site, BOB, yes=True, forget=True))[0] == 0
    assert await kept(site, BOB) == ("removed", b"", 0)


async def test_a_session_that_no_key_opens_is_removed_only_when_it_is_to_be_forgotten(site: BridgeSite) -> None:
    await put_session(site, BOB, b"nonsense")
    code, console = await remove(site, BOB, yes=True)
    assert code == 1
    assert "was sealed with another key" in console.said[-2]
    assert (await remove(site, BOB, yes=True, forget=True))[0] == 0


async def test_a_removal_that_was_killed_is_ended_by_the_next_or_undone_by_a_log_in(
    site: BridgeSite, server: MTProtoServer
) -> None:
    store = await open_store(database_url(site.settings()))
    async with store.begin() as session:
        for account in (ALICE, BOB):
            await accounts.set_state(session, AccountId(account), before="ready", after="leaving")
    await store.close()
    assert str((await rows(site))[BOB]["state"]).startswith("half removed")
    code, said = await command(site, "check")
    assert code == 1
    assert f"✗ Account {BOB} is half removed: run" in said
    assert (await remove(site, BOB, yes=True))[0] == 0
    await site.log_in(server.world.people[ALICE])
    assert [(await kept(site, one))[0] for one in (ALICE, BOB)] == ["ready", "removed"]
    code, said = await command(site, "check")
    assert code == 0, said
    assert str(BOB) not in said, "it is no trouble that one was removed"


# -- rotating keys -------------------------------------------------------------------------------------------------


async def test_a_running_bridge_opens_sessions_of_the_new_key_and_serves_on(
    site: BridgeSite, server: MTProtoServer, queue: QueueServer
) -> None:
    """Both are connected only after the first rotation, and stay so over the second."""
    path = site.settings().session_key_file
    old = path.read_bytes()
    said: list[str] = []
    async with site.bridge(), site.client() as client:
        await served(queue, ALICE, BOB)
        for _ in range(2):
            assert await rotate_keys(site.settings(), said.append) == 0
            assert old.strip() not in path.read_bytes().split()
            site.clock.move(seconds=61)  # lists may use what was proven within a minute
            assert await titles(client) == ["News", "Alice", "Quiz"]
        assert len(server.connections) == 2
    assert said[-2].startswith("Every session is sealed with the new key")
    path.write_bytes(old)
    code, answer = await command(site, "check")
    assert code == 1
    assert "sealed with another key" in answer, "the old one opens nothing any more"


async def test_a_log_in_that_a_rotation_overtakes_is_sealed_with_the_new_key(
    site: BridgeSite, server: MTProtoServer
) -> None:
    path, bob = site.settings().session_key_file, server.world.people[BOB]
    key = Fernet.generate_key()

    class Slow(ScriptedConsole):
        def ask(self, question: str, *, secret: bool = False) -> str:
            rewrite(path, [key])
            return super().ask(question, secret=secret)

    assert bob.password
    assert await login(site.settings(), Slow([f"+{bob.phone}", bob.login_code, bob.password])) == 0
    assert KeyRing([key]).open(AccountId(BOB), (await kept(site, BOB))[1]).account == BOB


async def test_one_accounts_session_in_anothers_row_is_refused(
    site: BridgeSite, server: MTProtoServer, queue: QueueServer
) -> None:
    """Who can write to the store must not make the bridge act as another account."""
    await put_session(site, BOB, (await kept(site, ALICE))[1])
    begun = len(server.connections)
    async with site.bridge(), site.client() as client:
        await served(queue, ALICE, BOB)
        with pytest.raises(BridgeError) as caught:
            await client.show_affiliation(OWNER, await news(site), BotId(QUIZ))
        assert caught.value.code == ErrorCode.ACCOUNT_UNAVAILABLE
        assert len(server.connections) == begun
    code, said = await command(site, "check")
    assert code == 1
    assert f"✗ The session kept for account {BOB} is another account's" in said


# -- the commands --------------------------------------------------------------------------------------------------


async def test_the_commands_as_they_are_typed(site: BridgeSite, server: MTProtoServer) -> None:
    code, said = await command(site, "accounts --json")
    assert code == 0, said
    assert f'"id": {BOB}' in said
    code, said = await command(site, "rotate-keys")
    assert code == 0, said
    assert f"Account {BOB} is sealed with the new key (2 of 2)." in said
    code, said = await command(site, f"accounts remove {BOB}", "yes")
    assert code == 0, said
    assert logged_in(server) == {ALICE}
    code, said = await command(site, "accounts")
    assert code == 0
    assert "removed: its channels wait for another account" in said
    shutil.rmtree(site.settings().session_key_file.parent)
    code, said = await command(site, "rotate-keys")
    assert code == 2
    assert said.strip().splitlines()[-1].startswith("SESSION_KEY_FILE: there is no key file at")
    assert "Traceback" not in said
