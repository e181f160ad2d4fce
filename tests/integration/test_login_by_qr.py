"""The operator's console: logging an account in by QR code, in a terminal and on a pipe."""

import asyncio
import logging
import os
import pty
import re
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest

from mtproto_bridge.login import MOST_CODES, SCAN, SENTENCES, Sleep, login
from sandbox.control_accounts import _token as token_of
from sandbox.mtproto import login_tokens
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import Person, World
from sandbox.world.faults import Fault
from tests.bridge_fixtures import BridgeSite, ScriptedConsole, bridge_site, caller, served
from tests.integration.test_login import PATIENCE, WAY_QUESTION, environment, signed_in
from tests.sandbox_fixtures import ALICE, BOB

PASSWORD = "hunter2 and a half"
PASSWORD_QUESTION = ("Two-step password (hint: as ever): ", True)
CTRL_C = "\x03"
LOGGED_IN = "Logged in as Alice; the sealed session is in the store."


@pytest.fixture
def alice(world: World) -> Person:
    return world.people[ALICE]


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    async with bridge_site(server) as made:
        yield made


async def until_scanned(_: float) -> None:
    """No code expires."""
    await asyncio.Event().wait()


def scans(server: MTProtoServer, person: int) -> Callable[[str], None]:
    """What this person's phone does with a code that is shown."""
    return lambda url: server.accept_login(person, token_of(url))


async def attempt(
    site: BridgeSite,
    *answers: str,
    scan: Callable[[str], object] = lambda _: None,
    sleep: Sleep = until_scanned,
    **changes: object,
) -> tuple[int, ScriptedConsole]:
    console = ScriptedConsole(answers, scan)
    async with asyncio.timeout(PATIENCE):
        return await login(site.settings(**changes), console, sleep), console


def expiring(server: MTProtoServer) -> Sleep:
    """Half a minute, over at once."""
    wall = server.login_tokens.wall
    passed = [0.0]
    server.login_tokens.wall = lambda: wall() + passed[0]

    async def pass_by(seconds: float) -> None:
        assert 25 < seconds <= 30
        passed[0] += 30

    return pass_by


async def test_an_account_is_logged_in_by_who_scans_the_code(site: BridgeSite, server: MTProtoServer) -> None:
    code, console = await attempt(site, "", scan=scans(server, ALICE))
    assert code == 0
    assert console.asked == [WAY_QUESTION]
    assert SCAN in console.said
    assert LOGGED_IN in console.said
    (url,) = console.shown
    assert re.fullmatch(r"tg://login\?token=[A-Za-z0-9_-]{43}", url)
    assert signed_in(server) == [ALICE]


async def test_a_code_that_expires_is_followed_by_another(site: BridgeSite, server: MTProtoServer) -> None:
    """Some seconds of the wall clock pass on the way, so that just the third is scanned in time."""
    scan, seen = scans(server, ALICE), list[str]()

    def third(url: str) -> None:
        seen.append(url)
        if len(seen) == 3:
            scan(url)

    code, console = await attempt(site, "", scan=third, sleep=expiring(server))
    assert code == 0
    assert len(set(console.shown)) == 3
    assert LOGGED_IN in console.said


async def test_a_scan_nobody_told_us_of_is_noticed_when_the_code_expires(
    site: BridgeSite, server: MTProtoServer
) -> None:
    server.login_tokens._tell = lambda _: None  # the connection was gone at that moment
    code, console = await attempt(site, "", scan=scans(server, ALICE), sleep=expiring(server))
    assert (code, len(console.shown)) == (0, 1)


async def test_who_does_not_scan_for_long_is_asked_again(site: BridgeSite, server: MTProtoServer) -> None:
    code, console = await attempt(site, "", "+9996621001", "22222", sleep=expiring(server))
    assert code == 0
    assert len(console.shown) == MOST_CODES
    assert console.asked[:2] == [WAY_QUESTION] * 2
    assert SENTENCES["NOT_SCANNED"] in console.said


async def test_a_clock_of_ours_that_is_wrong_expires_no_code(
    site: BridgeSite, server: MTProtoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives: list[float] = []

    async def note(seconds: float) -> None:
        lives.append(seconds)
        await until_scanned(seconds)

    class Ahead:
        """A clock ten minutes ahead of the server's."""

        time = staticmethod(lambda: time.time() + 600)

    for module in ("mtproto_bridge.telegram.login", "telethon.network.authenticator", "telethon.network.mtprotostate"):
        monkeypatch.setattr(f"{module}.time", Ahead)
    code, _ = await attempt(site, "", scan=scans(server, ALICE), sleep=note)
    assert code == 0
    assert all(25 < one <= 31 for one in lives), lives


async def test_the_password_is_asked_for_with_its_hint_after_a_scan(
    site: BridgeSite, server: MTProtoServer, world: World
) -> None:
    world.people[BOB].password = PASSWORD
    code, console = await attempt(site, "", "wrong", PASSWORD, scan=scans(server, BOB))
    assert code == 0
    assert console.asked == [WAY_QUESTION, PASSWORD_QUESTION, PASSWORD_QUESTION]
    assert SENTENCES["SESSION_PASSWORD_NEEDED"] in console.said
    assert SENTENCES["PASSWORD_HASH_INVALID"] in console.said


@pytest.mark.parametrize("password", [None, PASSWORD])
async def test_an_account_of_another_dc_is_logged_in_there_and_served_from_there(
    site: BridgeSite, server: MTProtoServer, alice: Person, password: str | None
) -> None:
    alice.dc_id, alice.password = 5, password
    code, console = await attempt(site, "", *filter(None, [password]), scan=scans(server, ALICE))
    assert code == 0, console.said
    async with site.bridge(), site.client() as client:
        await served(client)
        assert (await client.browse_programs(caller(ALICE), page=0, size=6)).total == 2
        assert {one.authorization.dc_id for one in server.connections if one.authorization} == {5}


@pytest.mark.parametrize(
    "words",
    ["AUTH_TOKEN_EXPIRED", "AUTH_TOKEN_INVALID", "AUTH_TOKEN_INVALIDX", "AUTH_TOKEN_ALREADY_ACCEPTED"],
)
async def test_a_code_that_is_no_good_at_the_other_dc_is_told_and_another_is_drawn(
    site: BridgeSite, server: MTProtoServer, alice: Person, words: str
) -> None:
    alice.dc_id = 5
    server.world.faults.set(Fault("error", "auth.importLoginToken", message=words))
    code, console = await attempt(site, "", "", scan=scans(server, ALICE))
    assert code == 0
    assert SENTENCES[words] in console.said
    assert len(console.shown) == 2
    assert console.asked == [WAY_QUESTION, WAY_QUESTION]


async def test_a_flood_wait_goes_back_to_the_question(site: BridgeSite, server: MTProtoServer) -> None:
    server.world.faults.set(Fault("flood_wait", "auth.exportLoginToken", seconds=42))
    code, console = await attempt(site, "", "", scan=scans(server, ALICE))
    assert code == 0
    assert "Telegram asks to wait 42 seconds before the next try." in console.said


async def test_an_account_that_is_logged_in_is_not_logged_in_twice(
    site: BridgeSite, server: MTProtoServer, alice: Person
) -> None:
    await site.log_in(alice)
    code, console = await attempt(site, "", scan=scans(server, ALICE))
    assert code == 1
    assert f"Alice ({ALICE}) is logged in here already" in console.said[-2]
    assert signed_in(server) == [ALICE], "the second session is no more at Telegram"


async def test_ctrl_c_while_a_code_is_shown_leaves_nothing(site: BridgeSite, server: MTProtoServer) -> None:
    console = ScriptedConsole([""], lambda _: working.cancel())
    working = asyncio.create_task(login(site.settings(), console, until_scanned))
    with pytest.raises(asyncio.CancelledError):
        await working
    assert len(console.shown) == 1
    assert signed_in(server) == []
    assert server.connections == []


async def test_no_secret_is_logged(
    site: BridgeSite,
    server: MTProtoServer,
    alice: Person,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    alice.dc_id, alice.password = 4, PASSWORD
    code, console = await attempt(site, "", PASSWORD, scan=scans(server, ALICE))
    assert code == 0
    assert "telethon" in caplog.text, "logging was on"
    everything = "\n".join([*console.said, caplog.text, *capfd.readouterr()])
    (url,) = console.shown
    for secret in (parse_qs(urlsplit(url).query)["token"][0], repr(token_of(url))[2:-1], PASSWORD, str(alice.phone)):
        assert secret not in everything


# -- the command ---------------------------------------------------------------------------------------------------


async def test_on_a_pipe_the_url_is_printed(site: BridgeSite, server: MTProtoServer) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mtproto_bridge", "login"),
        cwd=site.folder,
        env=environment(site),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"\n")
    async with asyncio.timeout(PATIENCE):
        while b"tg://login" not in (line := await process.stdout.readline()):
            assert line, "it ended"
        scans(server, ALICE)(line.decode().strip())
        rest = (await process.stdout.read()).decode()
        assert await process.wait() == 0, rest
    assert LOGGED_IN in rest


@dataclass
class Screen:
    """`python -m mtproto_bridge login` in a terminal of its own, of 80 columns."""

    process: asyncio.subprocess.Process
    terminal: int
    written: bytes = b""

    @property
    def text(self) -> str:
        """All it ever showed."""
        return self.written.decode(errors="ignore")

    async def sees(self, wanted: str) -> None:
        """Read on until that stands there."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            while wanted not in self.text:
                self.written += await loop.run_in_executor(None, os.read, self.terminal, 65_536)

    def types(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())


@asynccontextmanager
async def in_a_terminal(site: BridgeSite) -> AsyncIterator[Screen]:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (40, 80))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mtproto_bridge", "login"),
        cwd=site.folder,
        env=environment(site),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    try:
        yield Screen(process, ours)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        os.close(ours)


def _take_terminal() -> None:
    """Make standard input the terminal that Ctrl-C comes from."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))


async def test_in_a_terminal_the_code_is_drawn_and_the_next_one_in_its_place(
    site: BridgeSite, server: MTProtoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_tokens, "TOKEN_SECONDS", 2)
    async with in_a_terminal(site) as screen:
        await screen.sees("Press Enter for a QR code")
        screen.types("\n")
        await screen.sees("\N{FULL BLOCK}" * 41 + "\x1b[0m\r\n\x1b[97;40m\N{FULL BLOCK}")
        await screen.sees("\N{UPPER HALF BLOCK}" * 41)  # its last line
        monkeypatch.setattr(login_tokens, "TOKEN_SECONDS", 30)
        await screen.sees("\x1b[21F\x1b[J")  # up again, when it has expired
        server.accept_login(ALICE, list(server.login_tokens._by_value)[-1])
        await screen.sees(LOGGED_IN)
        async with asyncio.timeout(PATIENCE):
            assert await screen.process.wait() == 0
    assert "tg://login" not in screen.text


@pytest.mark.parametrize("keys", ["", "\n"])
async def test_one_ctrl_c_ends_it_at_a_question_and_while_a_code_is_shown(
    site: BridgeSite, server: MTProtoServer, keys: str
) -> None:
    async with in_a_terminal(site) as screen:
        await screen.sees("Press Enter for a QR code")
        screen.types(keys)
        if keys:
            await screen.sees("\N{UPPER HALF BLOCK}" * 41)
        screen.types(CTRL_C)
        await screen.sees("Stopped." if keys else "Nothing was logged in.")
        async with asyncio.timeout(PATIENCE):
            assert await screen.process.wait() == (130 if keys else 1)
    assert "Traceback" not in screen.text
    assert signed_in(server) == []
