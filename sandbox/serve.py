"""`python -m sandbox serve`: the whole sandbox on loopback, described in one line for whoever points a client at it."""

import argparse
import asyncio
import contextlib
import ipaddress
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sandbox.botapi import BotApiServer
from sandbox.journal import Journal
from sandbox.mtproto.server import MTProtoServer
from sandbox.stage import Stage
from sandbox.web.server import WebServer
from sandbox.web.views import bot_view, channel_view, person_view, seeded
from sandbox.world import Bot, World
from sandbox.world.model import FIRST_DC
from sandbox.world.seed import WorldFileError, load

MISTAKE = 2
"""Exit code: something the caller has to change."""


@dataclass(frozen=True)
class Address:
    """Where the three servers listen; port 0 means any free one."""

    host: str = "127.0.0.1"
    mtproto_port: int = 0
    bot_api_port: int = 0
    page_port: int = 0


class Sandbox:
    """World, MTProto, Bot API, page and control surface, started and stopped together.

    `async with Sandbox(world, our_bot) as sandbox:` - or load a world file with `Sandbox.load`.
    """

    def __init__(
        self, world: World, our_bot: Bot, address: Address | None = None, journal: Journal | None = None
    ) -> None:
        """`journal` is closed when the sandbox stops."""
        self._journal = journal
        self.address = address or Address()
        self.world, self.our_bot = world, our_bot
        self.mtproto = MTProtoServer(world, journal=journal)
        self.botapi = BotApiServer(world, our_bot, host=self.address.host, port=self.address.bot_api_port)
        self.stage = Stage(world, our_bot, self.botapi, self.mtproto)
        self.web = WebServer(self.stage, host=self.address.host, port=self.address.page_port)

    @classmethod
    def load(
        cls, world_file: Path | None = None, address: Address | None = None, journal: Journal | None = None
    ) -> Self:
        """A sandbox on a world file, by default the demo's.

        Raises:
            WorldFileError: the file cannot be used.
        """
        return cls(*load(world_file), address, journal)

    async def start(self) -> None:
        """Listen with all three; on failure none is left listening.

        Raises:
            OSError: a port is taken.
        """
        try:
            await self.mtproto.start(self.address.host, self.address.mtproto_port)
            await self.botapi.start()
            await self.web.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop all three; safe to call twice."""
        await self.web.stop()
        await self.botapi.stop()
        await self.mtproto.stop()
        if self._journal:
            self._journal.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def unimplemented(self) -> dict[str, int]:
        """What was asked for and is not there, on either face; a test that met any must fail."""
        return {**self.botapi.unimplemented, **self.mtproto.unimplemented}

    @property
    def crashes(self) -> list[Exception]:
        """What the sandbox's own code raised while it served; must be empty as well."""
        return [*self.botapi.crashes, *self.mtproto.crashes]

    def describe(self) -> dict[str, object]:
        """Everything a client, a bot or a script needs in order to use this sandbox."""
        key, world = self.mtproto.key, self.world
        return {
            "mtproto": {
                "host": self.mtproto.host,
                "port": self.mtproto.port,
                "dc_id": FIRST_DC,
                "api_id": world.api_id,
                "api_hash": world.api_hash,
                "public_key": {
                    "pem": key.public_pem,
                    "fingerprint": str(key.fingerprint),
                    "fingerprint_hex": f"{key.fingerprint & (2**64 - 1):016x}",
                    "modulus": f"{key.modulus:x}",
                    "exponent": f"{key.exponent:x}",
                },
            },
            "bot_api": {
                "base_url": self.botapi.base_url,
                "token": self.our_bot.token,
                "id": self.our_bot.id,
                "username": self.our_bot.username,
            },
            "page": {"url": self.web.page_url},
            "control": {"base_url": f"{self.web.base_url}/control", "token": self.web.guard.token},
            "people": [person_view(world, one) for one in seeded(world)],
            "bots": [bot_view(one) for one in world.bots.values()],
            "channels": [channel_view(one) for one in world.channels.values()],
        }


# -- the command ----------------------------------------------------------------------------------------------


def loopback(host: str) -> str:
    """An argparse type: an address that only this machine reaches."""
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise argparse.ArgumentTypeError(f"{host} is not a loopback address (such as 127.0.0.1)")
    return host


def port(text: str) -> int:
    """An argparse type: a TCP port, 0 for any free one."""
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text} is not a port (0 to 65535)")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `serve`; whoever else starts a sandbox takes the same."""
    parser.add_argument("--world", type=Path, metavar="FILE", help="a world file (default: the demo's)")
    parser.add_argument("--host", type=loopback, default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--mtproto-port", type=port, default=0, metavar="PORT", help="default: any free one")
    parser.add_argument("--bot-api-port", type=port, default=0, metavar="PORT", help="default: any free one")
    parser.add_argument("--page-port", type=port, default=0, metavar="PORT", help="default: any free one")


def address_of(options: argparse.Namespace) -> Address:
    """Where `add_arguments`' options say to listen."""
    return Address(options.host, options.mtproto_port, options.bot_api_port, options.page_port)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `serve` to the command line."""
    parser = commands.add_parser(
        "serve",
        help="run the sandbox until it is stopped",
        description="A local Telegram on loopback: MTProto, Bot API, a page with the chat, and a control surface.",
    )
    add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON line that describes it, then run")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="append a JSON line for each API call (MTProto)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    try:
        journal = Journal(options.journal) if options.journal else None
    except OSError as error:
        return _mistake(f"Cannot write the journal {options.journal}: {error.strerror}.")
    try:
        sandbox = Sandbox.load(options.world, address_of(options), journal)
    except WorldFileError as error:
        return _mistake(str(error))
    try:
        asyncio.run(_serve(sandbox, as_json=options.json))
    except OSError as error:
        return _mistake(f"Cannot listen on {options.host}: {error.strerror or error}.")
    return 0


async def _serve(sandbox: Sandbox, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C raises KeyboardInterrupt instead
            asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    async with sandbox:
        text = json.dumps(sandbox.describe(), ensure_ascii=False) if as_json else summary(sandbox)
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
        await stopped.wait()


def summary(sandbox: Sandbox) -> str:
    """What a person at a terminal wants to know."""
    people = "\n".join(
        f"    {p.first_name:<10} +{p.phone}  code {p.login_code}" + (f"  password {p.password!r}" if p.password else "")
        for p in seeded(sandbox.world)
    )
    return (
        "The sandbox is running; Ctrl+C stops it.\n"
        f"  Page      {sandbox.web.page_url}\n"
        f"  Control   {sandbox.web.base_url}/control  (Authorization: Bearer {sandbox.web.guard.token})\n"
        f"  Bot API   {sandbox.botapi.base_url}  token {sandbox.our_bot.token}\n"
        f"  MTProto   {sandbox.mtproto.host}:{sandbox.mtproto.port}, DC {FIRST_DC}, api_id {sandbox.world.api_id}, "
        f"api_hash {sandbox.world.api_hash}\n"
        f"  People\n{people}\n"
        "  The RSA key and everything else: the same command with --json; docs/sandbox.md explains it."
    )


def _mistake(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return MISTAKE
