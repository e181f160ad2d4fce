"""The sandbox's MTProto server: one World behind a listening socket."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
from typing import TYPE_CHECKING

from sandbox.mtproto import objects
from sandbox.mtproto.authorizations import Authorization, Authorizations
from sandbox.mtproto.connection import Connection
from sandbox.mtproto.keys import ServerKey
from sandbox.mtproto.methods import ALL_METHODS
from sandbox.mtproto.news import News
from sandbox.mtproto.passwords import Passwords
from sandbox.mtproto.rpc import Call, Dispatcher, Site

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections import Counter
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from telethon.tl import TLObject

    from sandbox.journal import Arrival, Journal
    from sandbox.world.model import MemberChange
    from sandbox.world.world import World


class MTProtoServer:
    """Telegram's MTProto side for one World.

    ``server = MTProtoServer(world); await server.start()`` - then point a client at `host` and `port` with
    `key.public_pem`, and the World's api_id and api_hash. Every DC is this one server; it calls itself DC 2.
    """

    def __init__(
        self,
        world: World,
        key: ServerKey | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        journal: Journal | None = None,
    ) -> None:
        """`sleep` serves the scripted delays; a test may pass its own. Whoever opened the journal closes it."""
        self.world = world
        self.key = key or ServerKey.load()
        self.sleep = sleep
        self.authorizations = Authorizations()
        self.dispatcher = Dispatcher(ALL_METHODS)
        self._journal = journal
        self._news = News()
        self._passwords = Passwords()
        self._numbers = itertools.count(1)
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._delayed: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._site = Site("127.0.0.1", 0)
        world.on_member_change.append(self._member_changed)

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._site.host

    @property
    def port(self) -> int:
        """The port it listens on; 0 before start."""
        return self._site.port

    @property
    def calls(self) -> Counter[str]:
        """How often each method was asked for."""
        return self.dispatcher.calls

    @property
    def unimplemented(self) -> Counter[str]:
        """Methods (and filters) a client asked for that the sandbox lacks."""
        return self.dispatcher.unimplemented

    @property
    def crashes(self) -> list[Exception]:
        """What the sandbox's own code raised while it served."""
        return self.dispatcher.crashes

    @property
    def connections(self) -> list[Connection]:
        """The sockets open now."""
        return list(self._connections.values())

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one.

        Raises:
            ValueError: the address can be reached from another machine. The key is public: never do that.
        """
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"{host} can be reached from outside; the sandbox's key protects nothing")
        self._listener = await asyncio.start_server(self._accept, host, port)
        bound = self._listener.sockets[0].getsockname()
        self._site = Site(bound[0], bound[1])
        self.world.on_logout.append(self.authorizations.end_sessions)

    async def stop(self) -> None:
        """Close every connection and stop listening. Keys and logins stay: `start` serves them again."""
        if self._listener is None:
            return
        self._listener.close()
        self.world.on_logout.remove(self.authorizations.end_sessions)
        for connection in self.connections:
            connection.abort()  # and thereby end its task
        for task in self._delayed:
            task.cancel()
        await asyncio.gather(*self._connections, *self._delayed, return_exceptions=True)
        await self._listener.wait_closed()
        self._listener = None

    def drop_connections(self) -> None:
        """Hang up on everybody, as a restart of Telegram's would."""
        for connection in self.connections:
            connection.close()

    def logged_in(self) -> frozenset[int]:
        """The accounts that some key acts for."""
        return frozenset(one.account_id for one in self.authorizations if one.account_id is not None)

    def revoke_session(self, account_id: int) -> bool:
        """End the newest session of an account, as its owner can from another device; whether there was one."""
        return self.authorizations.revoke_newest(account_id)

    def push(self, account_id: int, update: TLObject) -> None:
        """Send an `Updates` object to every connection on which the account is logged in."""
        for connection in self.connections:
            if connection.authorization and connection.authorization.account_id == account_id:
                connection.push(update)

    # -- for connections ------------------------------------------------------------------------------------

    def call(self, authorization: Authorization) -> Call:
        """What a handler is given."""
        return Call(self.world, authorization, self._passwords, self._site, self._news)

    def note(self, arrival: Arrival, outcome: str, about: Mapping[str, object] | None = None) -> None:
        """Tell the journal, where one is kept, what came of a call."""
        if self._journal:
            self._journal.write(arrival, outcome, about or {})

    def seen(self, connection: Connection, authorization: Authorization) -> None:
        """Notice a logged-in key that is in use from two addresses at once.

        Telegram refuses such a key with AUTH_KEY_DUPLICATED ever after
        (core.telegram.org/api/errors#406-not-acceptable); a loopback client can come from 127.0.0.2.
        """
        if authorization.account_id is None or connection.authorization is authorization:
            return
        elsewhere = (
            other
            for other in self.connections
            if other.authorization is authorization and other.peer_host != connection.peer_host
        )
        if any(elsewhere):
            authorization.duplicated = True

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run something that outlives the packet that asked for it."""
        task = asyncio.create_task(work)
        self._delayed.add(task)
        task.add_done_callback(self._delayed.discard)

    def _member_changed(self, change: MemberChange) -> None:
        """Whoever it is about learns of it, at once or later; the answer to their own call tells them as well."""
        if change.user_id in self.world.people:
            self._news.note(change.user_id, change.channel.id)
            self.push(change.user_id, objects.news_of(self.world, change.user_id, change.channel))

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("asyncio serves every connection in a task")
        connection = self._connections[task] = Connection(self, next(self._numbers), reader, writer)
        try:
            await connection.serve()
        finally:
            del self._connections[task]
