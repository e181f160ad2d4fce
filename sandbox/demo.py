"""`make demo`: a local Telegram, the bridge and the bot as separate processes, and a page to try them in.

Everything lives in a temporary folder and ends with us, however we end: each process is tied to this one by a
pipe (see `processes.guard`), the bridge's embedded server to the bridge.
"""

import argparse
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from processes.environment import SYSTEM, environment_for
from processes.tied import TiedProcess
from sandbox.serve import MISTAKE, add_arguments

READY_SECONDS = 60.0
LOOK_SECONDS = 0.1
LOG_TAIL = 25
LEASE_SECONDS = "3"
"""Short, so that the bridge notices the log-in within a second."""

BRIDGE_ACCOUNT = 1001
"""Vera, whose account the demo's operator logs in on the bridge."""
DEMOTED = 1004
"""Dmitri, who may post in the public channel until the log-in has handed it over."""
CHANNEL = 5000001
OPERATOR = 1010
"""Otto, who runs this software."""


class _Stopped(Exception):  # noqa: N818 - not an error: somebody pressed Ctrl-C
    pass


class DemoError(Exception):
    """The demo could not start; the text says what did not, and where its log ends."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `demo` to the command line."""
    parser = commands.add_parser(
        "demo",
        help="run Starling in the sandbox, with a page to try it in",
        description="The bot and the bridge against a local Telegram. Prints the address of a page with the chat.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C, SIGTERM, or until something ends; the exit code."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    folder = Path(tempfile.mkdtemp(prefix="starling-"))
    try:
        with ExitStack() as stack:
            stack.callback(_say, "Stopping …")
            _Demo(folder, stack).run(options)
    except _Stopped:
        return 0
    except DemoError as error:
        _say(str(error))
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


class _Demo:
    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._running: dict[str, TiedProcess] = {}

    def run(self, options: argparse.Namespace) -> None:
        _say("Starting a local Telegram …")
        place = self._start_sandbox(options)
        variables = self._variables(place)
        _say("Starting the bridge and the bot …")
        self._start("bot", [sys.executable, "-m", "bot", "run"], variables)
        self._start("bridge", [sys.executable, "-m", "mtproto_bridge", "run"], variables)
        _say("Logging the bridge's account in …")
        self._log_in(place, variables)
        self._control(place, "set_admin", channel=CHANNEL, person=DEMOTED, rights=[])
        self._wait_until_up(place)
        page = place["page"]["url"]
        _say(f"\nReady. Open this page in your browser:\n\n    {page}\n")
        _say("You are Nadia, who owns a channel: press Start. To be Otto, who runs this software, open")
        _say(f"\n    {page}#{OPERATOR}\n\nCtrl-C ends everything.")
        while True:
            self._all_running()
            time.sleep(LOOK_SECONDS)

    # -- processes ------------------------------------------------------------------------------------------

    def _start_sandbox(self, options: argparse.Namespace) -> dict[str, Any]:
        command = [sys.executable, "-m", "sandbox", "serve", "--json", "--host", options.host]
        for name in ("mtproto_port", "bot_api_port", "page_port"):
            command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
        if options.world:
            command += ["--world", str(options.world)]
        sandbox = self._start("sandbox", command, _system_only(), piped=True)
        if sandbox.stdout is None:
            raise AssertionError("started with a pipe")
        ready, _, _ = select.select([sandbox.stdout], [], [], READY_SECONDS)
        line = sandbox.stdout.readline() if ready else b""
        if not line:
            if sandbox.wait(READY_SECONDS) == MISTAKE:
                raise DemoError(self._log("sandbox").strip())
            raise DemoError(self._failed("sandbox"))
        return dict(json.loads(line))

    def _start(self, name: str, command: list[str], variables: dict[str, str], *, piped: bool = False) -> TiedProcess:
        known = name in ("bridge", "bot")
        log = self._stack.enter_context((self._folder / f"{name}.log").open("wb"))
        process = TiedProcess(
            command,
            env=environment_for(name, variables) if known else variables,
            stdout=subprocess.PIPE if piped else log,
            stderr=log,
        )
        self._running[name] = self._stack.enter_context(process)
        return process

    def _variables(self, place: dict[str, Any]) -> dict[str, str]:
        mtproto, bot_api = place["mtproto"], place["bot_api"]
        key_file = self._folder / "sandbox.pem"
        key_file.write_text(mtproto["public_key"]["pem"])
        return _system_only() | {
            "API_ID": str(mtproto["api_id"]),
            "API_HASH": mtproto["api_hash"],
            "BOT_TOKEN": bot_api["token"],
            "BOT_API_URL": bot_api["base_url"],
            "LEASE_SECONDS": LEASE_SECONDS,
            "OPERATOR_IDS": str(OPERATOR),
            "DATA_DIR": str(self._folder / "data"),
            "SESSION_KEY_FILE": str(self._folder / "keys" / "session.key"),
            "MTPROTO_SERVER": f"{mtproto['host']}:{mtproto['port']}",
            "MTPROTO_PUBLIC_KEY_FILE": str(key_file),
        }

    def _log_in(self, place: dict[str, Any], variables: dict[str, str]) -> None:
        """What an operator types into the console, typed for them."""
        account = next((one for one in place["people"] if one["id"] == BRIDGE_ACCOUNT), None)
        if account is None:
            raise DemoError(f"The demo needs a person with the id {BRIDGE_ACCOUNT} in its world.")
        answers = [account["phone"], account["login_code"], account["password"] or ""]
        done = subprocess.run(
            [sys.executable, "-m", "mtproto_bridge", "login"],
            env=environment_for("bridge", variables),
            input="\n".join(answers) + "\n",
            capture_output=True,
            text=True,
            timeout=READY_SECONDS,
            check=False,
        )
        if done.returncode:
            raise DemoError(f"The log-in failed:\n{done.stdout}{done.stderr}")

    def _all_running(self) -> None:
        for name, process in self._running.items():
            if process.poll() is not None:
                raise DemoError(self._failed(name))

    def _failed(self, name: str) -> str:
        return f"The {name} ended. Its last words:\n{self._log(name)}"

    def _log(self, name: str) -> str:
        lines = (self._folder / f"{name}.log").read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-LOG_TAIL:])

    # -- the sandbox's own page -----------------------------------------------------------------------------

    def _control(self, place: dict[str, Any], action: str, **body: object) -> dict[str, Any]:
        control = place["control"]
        request = urllib.request.Request(  # noqa: S310 - our own loopback server
            f"{control['base_url']}/{action}",
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {control['token']}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return dict(json.load(answer))
        except (urllib.error.URLError, OSError) as error:
            raise DemoError(f"The sandbox did not take {action}: {error}.") from error

    def _wait_until_up(self, place: dict[str, Any]) -> None:
        """The bot is up once it asks for messages; the bridge, once it serves the account."""
        until = time.monotonic() + READY_SECONDS
        while not (self._control(place, "state")["bot_is_polling"] and "lane.taken" in self._log("bridge")):
            self._all_running()
            if time.monotonic() > until:
                raise DemoError(self._failed("bot"))
            time.sleep(LOOK_SECONDS)


def _system_only() -> dict[str, str]:
    """The environment without anybody's real credentials."""
    return {name: os.environ[name] for name in SYSTEM if name in os.environ}


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a console
