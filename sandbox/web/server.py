"""The page's server: static files, live events, pictures, and the control surface under /control."""

import json
from asyncio import CancelledError
from contextlib import suppress
from importlib.resources import files

from aiohttp import web
from pydantic import ValidationError

from sandbox.botapi.model import NoSuchButtonError, NoSuchMessageError, NoSuchPersonError
from sandbox.control import ACTIONS
from sandbox.stage import Action, ControlError, Stage
from sandbox.web.guard import Guard
from sandbox.web.views import chat_view, picker_view, world_state
from sandbox.world import TelegramError, pickers

STATIC = {
    "app.js": "text/javascript",
    "chat.js": "text/javascript",
    "inline.js": "text/javascript",
    "panel.js": "text/javascript",
    "picker.js": "text/javascript",
    "style.css": "text/css",
}
"""Nothing else is served from the folder."""
HEARTBEAT_SECONDS = 15.0
MAX_WAIT_SECONDS = 60.0


class WebServer:
    """The page and the control surface on one loopback port."""

    def __init__(self, stage: Stage, *, host: str = "127.0.0.1", port: int = 0, token: str | None = None) -> None:
        self.stage = stage
        self.host, self.port = host, port
        self.guard = Guard(f"[{host}]" if ":" in host else host)
        if token:
            self.guard.token = token
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """Where it listens, without the token."""
        return f"http://{self.guard.host}:{self.port}"

    @property
    def page_url(self) -> str:
        """What a newcomer opens."""
        return f"{self.base_url}/?token={self.guard.token}"

    async def start(self) -> None:
        """Listen; `port` then holds the port that was chosen.

        Raises:
            OSError: the port is taken.
        """
        self.stage.botapi.chats.anything.open()
        app = web.Application(middlewares=[self.guard.middleware()])
        app.router.add_get("/", self._page)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/photo/{file_id}", self._photo)
        app.router.add_get("/events", self._events)
        app.router.add_get("/control", self._help)
        app.router.add_get("/control/state", self._state)
        app.router.add_get("/control/chat", self._chat)
        app.router.add_get("/control/picker", self._picker)
        app.router.add_post("/control/{action}", self._act)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self.guard.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Let waiting browsers go, then stop listening."""
        self.stage.botapi.chats.anything.close()
        if self._runner:
            await self._runner.cleanup()

    # -- the page -------------------------------------------------------------------------------------------

    async def _page(self, _: web.Request) -> web.Response:
        return _file("index.html", "text/html")

    async def _static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return _file(name, STATIC[name]) if name in STATIC else _error(404, "There is no such file.")

    async def _photo(self, request: web.Request) -> web.Response:
        photo = self.stage.botapi.face.photos.get(request.match_info["file_id"])
        if photo is None:
            return _error(404, "There is no such picture.")
        return web.Response(body=photo.content, content_type=photo.content_type)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """A person's chat as server-sent events: the whole view at once, and again with each change."""
        person_id = _person(request)
        anything = self.stage.botapi.chats.anything
        if person_id not in self.stage.world.people:
            return _error(404, "There is no such person in this world.")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        with suppress(ConnectionResetError, CancelledError):
            while not anything.closed:
                seen = anything.version
                await response.write(f"data: {json.dumps(chat_view(self.stage, person_id))}\n\n".encode())
                while anything.version == seen and not anything.closed:
                    try:
                        await anything.changed(seen, HEARTBEAT_SECONDS)
                    except TimeoutError:
                        await response.write(b": still here\n\n")
        return response

    # -- the control surface --------------------------------------------------------------------------------

    async def _help(self, _: web.Request) -> web.Response:
        return _json({"actions": {name: _describe(action) for name, action in ACTIONS.items()}})

    async def _state(self, _: web.Request) -> web.Response:
        return _json(world_state(self.stage))

    async def _chat(self, request: web.Request) -> web.Response:
        """A person's chat; with `after` (a version) waits up to `timeout` seconds for something newer."""
        try:
            chat = self.stage.botapi.chats.chat(_person(request))
            after = int(request.query.get("after", -1))
            patience = min(float(request.query.get("timeout", 0)), MAX_WAIT_SECONDS)
        except (NoSuchPersonError, ValueError) as error:
            return _error(404, str(error))
        with suppress(TimeoutError):
            await chat.changed(after, patience)
        return _json(chat_view(self.stage, chat.id))

    async def _picker(self, request: web.Request) -> web.Response:
        """The channels that the keyboard's `button`, or a `startchannel` link, lets a person choose from."""
        person, link = _person(request), request.query.get("link")
        try:
            if link:
                self.stage.botapi.chats.person(person)
                asked = pickers.asked_by_link(self.stage.our_bot, link)
            else:
                asked = self.stage.botapi.chats.asked(person, request.query.get("button"))
        except (NoSuchPersonError, NoSuchButtonError, ValueError) as error:
            return _error(400, str(error))
        except TelegramError as error:
            return _refused(error)
        return _json(picker_view(self.stage, person, asked, can_create=not link))

    async def _act(self, request: web.Request) -> web.Response:
        action = ACTIONS.get(request.match_info["action"])
        if action is None:
            return _error(404, f"There is no such action; there are {', '.join(ACTIONS)}.")
        try:
            outcome = action.model_validate_json(await request.text() or "{}").run(self.stage)
        except ValidationError as error:
            return _error(400, _first(error))
        except (NoSuchPersonError, NoSuchMessageError, NoSuchButtonError, ControlError, ValueError) as error:
            return _error(400, str(error))
        except TelegramError as error:
            return _refused(error)
        return _json({"ok": True, **outcome})


def _person(request: web.Request) -> int:
    person = request.query.get("person", "")
    return int(person) if person.isdecimal() else 0


def _describe(action: type[Action]) -> dict[str, object]:
    schema = action.model_json_schema()
    fields = {name: field.get("default", "needed") for name, field in schema.get("properties", {}).items()}
    return {"what": (action.__doc__ or "").strip(), "fields": fields}


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    place = ".".join(map(str, problem["loc"])) or "the body"
    return f"{place}: {problem['msg']}."


def _file(name: str, content_type: str) -> web.Response:
    text = (files("sandbox.web") / "static" / name).read_text("utf-8")
    return web.Response(text=text, content_type=content_type)


def _json(content: object) -> web.Response:
    return web.json_response(content)


def _refused(error: TelegramError) -> web.Response:
    return _error(409, f"Telegram refuses this: {error.message}.")


def _error(status: int, sentence: str) -> web.Response:
    return web.json_response({"ok": False, "error": sentence}, status=status)
