"""The Bot API over HTTP: any bot framework can be pointed at it (core.telegram.org/bots/api#making-requests)."""

import asyncio
import inspect
import json
import secrets
from collections import Counter
from contextlib import suppress

from aiohttp import web

from sandbox.botapi import about_bot, channels, inline_results, media, menu_button, messages, receiving
from sandbox.botapi.call import decode
from sandbox.botapi.chats import Chats
from sandbox.botapi.errors import ApiError, bad_request, forbidden, too_many_requests
from sandbox.botapi.face import METHODS, BotFace
from sandbox.botapi.inline import InlineMode
from sandbox.world import Bot, TelegramError, World
from sandbox.world.faults import Fault

MAX_BODY = 50 * 1024 * 1024
"""What Telegram takes in one upload."""
FACES = (about_bot, channels, inline_results, media, menu_button, messages, receiving)
"""Imported for the methods they register."""


class BotApiServer:
    """One bot's Bot API on a loopback port, and the chats behind it.

    In process: `chats` and `inline` are what people do and see; `unimplemented` must be empty when a test ends.
    """

    def __init__(
        self, world: World, our_bot: Bot, *, host: str = "127.0.0.1", port: int = 0, retry_seconds: float = 1.0
    ) -> None:
        if not our_bot.token:
            raise ValueError(f"the bot {our_bot.username} has no token")
        self.host, self.port = host, port
        self.chats = Chats(world, our_bot)
        self.inline = InlineMode(self.chats)
        self.face = BotFace(world, our_bot, self.chats, self.inline)
        self.crashes: list[Exception] = []
        """What the sandbox's own code raised while it served: must be empty too."""
        self._token = our_bot.token
        self._courier = receiving.Courier(self.face, retry_seconds=retry_seconds)
        self._delivering: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """What a client appends `/bot<token>/<method>` to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def unimplemented(self) -> Counter[str]:
        """Methods and parameters that were asked for and that the sandbox does not have."""
        return self.face.unimplemented

    async def start(self) -> None:
        """Listen; `port` then holds the port that was chosen, and a restart listens there again.

        Raises:
            OSError: the port is taken.
        """
        self.chats.updates.open()
        self.chats.anything.open()
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        app.router.add_get("/file/bot{token}/photos/{name}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]
        self._delivering = asyncio.create_task(self._courier.run())

    async def stop(self) -> None:
        """Answer polls that wait, then stop listening."""
        self.chats.updates.close()
        self.chats.anything.close()
        if self._delivering:
            self._delivering.cancel()
            with suppress(asyncio.CancelledError):
                await self._delivering
        if self._runner:
            await self._runner.cleanup()
        self._delivering = self._runner = None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            self._require_token(request)
            result = await self._call(request)
        except ApiError as error:
            return _refusal(error)
        except TelegramError as refusal:  # a code of MTProto's is passed on, always as 400
            gone = refusal.message == "INPUT_USER_DEACTIVATED"
            return _refusal(forbidden("user is deactivated") if gone else bad_request(refusal.message))
        except Exception as error:  # noqa: BLE001 - a bug here must fail the test that met it, not hide in a log
            self.crashes.append(error)
            return _refusal(ApiError(500, "Internal Server Error"))
        self._courier_may_start()
        return web.json_response({"ok": True, "result": result})

    async def _file(self, request: web.Request) -> web.Response:
        """What getFile gave the path of (core.telegram.org/bots/api#getfile)."""
        photo = self.face.photos.get(request.match_info["name"].partition(".")[0])
        if photo is None or not self._has_token(request):
            return _refusal(ApiError(404, "Not Found"))
        return web.Response(body=photo.content, content_type="application/octet-stream")

    def _require_token(self, request: web.Request) -> None:
        if not self._has_token(request):
            raise ApiError(401, "Unauthorized")

    def _has_token(self, request: web.Request) -> bool:
        return secrets.compare_digest(request.match_info["token"].encode(), self._token.encode())

    def _courier_may_start(self) -> None:
        if self.face.webhook.url:
            self._courier.webhook_set.set()

    async def _call(self, request: web.Request) -> object:
        found = METHODS.get(request.match_info["method"].lower())
        if found is None:
            self.unimplemented[request.match_info["method"]] += 1
            raise ApiError(404, "Not Found: method not found")
        call = await decode(request)
        for name in call.fields.keys() - found.parameters:
            self.unimplemented[f"{found.name}({name})"] += 1
        fault = self._fault(found.name, call.text("chat_id"))
        if fault:
            await self._before(fault, request)
        result = found.run(self.face, call)
        answer: object = await result if inspect.isawaitable(result) else result
        if fault and fault.kind == "drop":
            _hang_up(request)
        return answer

    def _fault(self, name: str, chat_id: str) -> Fault | None:
        """A fault for any method leaves getUpdates alone: that one runs all the time."""
        waiting = self.face.world.faults
        if name == "getUpdates" and not any(fault.method == name for fault in waiting.waiting):
            return None
        return waiting.take(name, int(chat_id) if chat_id.lstrip("-").isdigit() else None)

    async def _before(self, fault: Fault, request: web.Request) -> None:
        match fault.kind:
            case "flood_wait":
                raise too_many_requests(int(fault.seconds))
            case "error":
                raise ApiError(fault.code, fault.message)
            case "delay":
                await asyncio.sleep(fault.seconds)
            case "drop" if not fault.after:
                _hang_up(request)
                raise ApiError(502, "Bad Gateway")  # nobody hears it


def _hang_up(request: web.Request) -> None:
    if request.transport:
        request.transport.abort()


def _refusal(error: ApiError) -> web.Response:
    body: dict[str, object] = {"ok": False, "error_code": error.code, "description": error.description}
    if error.retry_after is not None:
        body["parameters"] = {"retry_after": error.retry_after}
    return web.Response(status=error.code, text=json.dumps(body), content_type="application/json")
