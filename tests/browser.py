"""A real browser for the tests of the demo's page: Chromium over its DevTools protocol, where one is installed."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1280,860"),
    "--remote-debugging-port=0",
)
UNTIL = "new Promise((yes) => { const look = () => (%s) ? yes(true) : setTimeout(look, 20); look(); })"


@dataclass
class Page:
    """One tab."""

    socket: ClientWebSocketResponse
    calls: int = 0

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One DevTools command and its result."""
        self.calls += 1
        await self.socket.send_json({"id": self.calls, "method": method, "params": parameters})
        while True:
            answer = await self.socket.receive_json(timeout=20)
            if answer.get("id") == self.calls:
                result: dict[str, Any] = answer["result"]
                return result

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        options = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        result = await self.command("Runtime.evaluate", expression=script, **options)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until a JavaScript condition holds."""
        async with asyncio.timeout(15):
            await self.run(UNTIL % condition)

    async def write(self, selector: str, text: str) -> None:
        """Put a text into a field, as typing does."""
        field = f"document.querySelector({json.dumps(selector)})"
        await self.run(f"{field}.value = {json.dumps(text)}; {field}.dispatchEvent(new Event('input'))")

    async def click(self, selector: str, text: str = "") -> None:
        """Click the first element that fits and holds the text."""
        all_of = f"[...document.querySelectorAll({json.dumps(selector)})]"
        found = f"{all_of}.find((n) => n.textContent.includes({json.dumps(text)}))"
        await self.until(found)
        await self.run(f"{found}.click()")


@asynccontextmanager
async def open_page(url: str, profile: Path) -> AsyncIterator[Page]:
    """Open a URL in a fresh browser and wait until the chat is drawn."""
    assert BROWSER
    process = await asyncio.create_subprocess_exec(
        BROWSER,
        *FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr
        address = ""
        async with asyncio.timeout(30):
            while not address.startswith("DevTools listening on"):
                address = (await process.stderr.readline()).decode()
        drain = asyncio.create_task(process.stderr.read())
        endpoint = address.split()[-1].replace("ws://", "http://").split("/devtools")[0]
        async with ClientSession() as session:
            async with session.get(f"{endpoint}/json/list") as listed:
                tab = next(one for one in await listed.json() if one["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                await page.command("Page.navigate", url=url)
                await page.until("document.body?.dataset.ready === 'yes'")
                yield page
    finally:
        process.terminate()
        await process.wait()
    await drain
