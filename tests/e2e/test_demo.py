"""`make demo`, as a newcomer meets it: opens, talks, and leaves nothing behind however it ends."""

import asyncio
import json
import os
import re
import signal
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

PROC = Path("/proc")
GONE_SECONDS = 15.0

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="looks for processes left behind in /proc")


class Demo:
    """A demo in a process of its own; every process of it has our TMPDIR in its environment."""

    def __init__(self, tmp: str) -> None:
        self.tmp = tmp
        self.process = Popen(
            [sys.executable, "-m", "sandbox", "demo"],
            env={**os.environ, "TMPDIR": tmp},
            stdout=PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        addresses = (re.search(r"http://\S+", line) for line in self.process.stdout)
        self.url = next(found.group() for found in addresses if found)

    def alive(self) -> list[str]:
        """What is left of it; a zombie counts as gone."""
        found = []
        for entry in PROC.iterdir():
            try:
                mine = entry.name.isdigit() and self.tmp.encode() in (entry / "environ").read_bytes()
                if mine and ") Z " not in (entry / "stat").read_text():
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
        return found

    def folders(self) -> list[str]:
        """The temporary folders it has made."""
        return [one.name for one in Path(self.tmp).glob("starling-*")]

    def control(self, path: str, body: object = None) -> dict[str, object]:
        base, _, token = self.url.partition("/?token=")
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{base}/control/{path}", data, headers)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return dict(json.load(answer))


@pytest.fixture
def demo() -> Iterator[Demo]:
    with tempfile.TemporaryDirectory(prefix="sd-", ignore_cleanup_errors=True) as tmp:
        running = Demo(tmp)
        yield running
        running.process.kill()
        running.process.wait()
        if running.process.stdout:
            running.process.stdout.close()


async def is_gone(demo: Demo) -> None:
    """Wait until no process of the demo is left."""
    async with asyncio.timeout(GONE_SECONDS):
        while demo.alive():  # noqa: ASYNC110 - the system tells nobody when a stranger's process ends
            await asyncio.sleep(0.05)


async def test_the_demo_opens_talks_and_leaves_nothing_behind(demo: Demo) -> None:
    running = " ".join(demo.alive())
    for part in ("sandbox serve", "mtproto_bridge run", "bot run", "valkey-server"):
        assert part in running
    before = demo.control("chat?person=1002")["version"]
    demo.control("say", {"person": 1002, "text": "/links"})
    said = demo.control(f"chat?person=1002&after={before}&timeout=10")
    while "7 links" not in json.dumps(said):
        said = demo.control(f"chat?person=1002&after={said['version']}&timeout=10")
    assert demo.control("state")["unimplemented"] == {"bot_api": {}, "mtproto": {}}
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(GONE_SECONDS) == 0
    await is_gone(demo)
    assert demo.folders() == [], "its folder is removed"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_demo_that_is_ended_takes_everything_with_it(demo: Demo, how: signal.Signals) -> None:
    assert len(demo.alive()) > 4
    demo.process.send_signal(how)
    demo.process.wait(GONE_SECONDS)
    await is_gone(demo)
