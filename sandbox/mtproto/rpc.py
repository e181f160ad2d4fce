"""Which function serves which method, and everything that is the same for all of them.

See https://core.telegram.org/api/invoking and https://core.telegram.org/api/errors
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from telethon.tl import TLRequest, functions, types
from telethon.tl.alltlobjects import LAYER

from sandbox.mtproto.news import News
from sandbox.world import accounts
from sandbox.world.errors import TelegramError, bad_request, flood_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.mtproto.authorizations import Authorization
    from sandbox.mtproto.passwords import Passwords
    from sandbox.mtproto.wire import TlValue
    from sandbox.world.faults import Fault
    from sandbox.world.model import Person
    from sandbox.world.world import World

log = logging.getLogger(__name__)

Handler: TypeAlias = "Callable[[Call, TLRequest], TlValue]"

WRAPPERS = (
    functions.InvokeWithLayerRequest,
    functions.InitConnectionRequest,
    functions.InvokeAfterMsgRequest,
    functions.InvokeAfterMsgsRequest,
    functions.InvokeWithoutUpdatesRequest,
)


class NotServedError(Exception):
    """The sandbox does not implement this, although Telegram does; the name says what."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the server is, as help.getConfig tells it."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler knows besides its request."""

    world: World
    authorization: Authorization
    passwords: Passwords
    site: Site
    news: News = field(default_factory=News)
    about: dict[str, object] = field(default_factory=dict)
    """What a handler that changes things tells the journal."""

    @property
    def account(self) -> Person:
        """The account that is logged in.

        Raises:
            TelegramError: SESSION_PASSWORD_NEEDED, SESSION_REVOKED or AUTH_KEY_UNREGISTERED when nobody is.
        """
        account_id = self.authorization.account_id
        if account_id is not None:
            return self.world.people[account_id]
        if self.authorization.pending_account_id is not None:
            raise TelegramError(401, "SESSION_PASSWORD_NEEDED")
        raise TelegramError(401, "SESSION_REVOKED" if self.authorization.revoked else "AUTH_KEY_UNREGISTERED")


@dataclass(frozen=True, slots=True)
class Method:
    """A served method and who may call it."""

    handler: Handler
    needs_login: bool
    changes_things: bool
    """A frozen account may not call it (core.telegram.org/api/auth#frozen-accounts)."""


@dataclass
class MethodTable:
    """Methods by the request that calls them."""

    methods: dict[type[TLRequest], Method] = field(default_factory=dict)

    def serves(
        self, request: type[TLRequest], *, needs_login: bool = True, changes_things: bool = False
    ) -> Callable[[Handler], Handler]:
        """Register the decorated function for a method."""

        def register(handler: Handler) -> Handler:
            self.methods[request] = Method(handler, needs_login, changes_things)
            return handler

        return register


@dataclass(frozen=True, slots=True)
class Planned:
    """A request without its wrappers, and the fault it will meet."""

    request: TLRequest
    name: str
    fault: Fault | None
    updates: bool = True
    """Whether the session that asks wants updates from then on (core.telegram.org/method/invokeWithoutUpdates)."""


class Dispatcher:
    """Carries requests out.

    Answers go out in Telethon's layer whatever the client's is: a client of an older layer is served as long as
    what it is sent has not changed since. Newer layers are refused.

    `calls` counts every method asked for, `unimplemented` those that the sandbox lacks, and `crashes` holds
    what handlers raised that is no refusal: a test fails on either of the latter two.
    """

    def __init__(self, tables: Iterable[MethodTable]) -> None:
        self._methods = {request: method for table in tables for request, method in table.methods.items()}
        self.calls: Counter[str] = Counter()
        self.unimplemented: Counter[str] = Counter()
        self.crashes: list[Exception] = []

    def plan(self, call: Call, request: TLRequest) -> Planned:
        """Unwrap a request and see whether a scripted fault waits for it.

        Raises:
            TelegramError: the connection was not introduced properly, or its key or its account is dead.
        """
        if call.authorization.duplicated:
            raise TelegramError(406, "AUTH_KEY_DUPLICATED")
        updates = True
        while isinstance(request, WRAPPERS):
            updates = updates and not isinstance(request, functions.InvokeWithoutUpdatesRequest)
            if isinstance(request, functions.InvokeWithLayerRequest):
                if request.layer > LAYER:
                    raise bad_request("CONNECTION_LAYER_INVALID")
                call.authorization.layer = request.layer
            if isinstance(request, functions.InitConnectionRequest) and request.api_id != call.world.api_id:
                raise bad_request("CONNECTION_API_ID_INVALID")
            request = request.query
        if call.authorization.layer is None:
            raise bad_request("CONNECTION_NOT_INITED")
        account = call.world.people.get(call.authorization.account_id or 0)
        if account:
            accounts.require_active(account)
        name = method_name(type(request))
        self.calls[name] += 1
        return Planned(request, name, call.world.faults.take(name, call.authorization.account_id), updates)

    def run(self, call: Call, planned: Planned) -> TlValue:
        """Carry a request out; refusals come back as rpc_error, like any other answer."""
        try:
            return self._run(call, planned)
        except TelegramError as refusal:
            return rpc_error(refusal)
        except NotServedError as missing:
            self.unimplemented[str(missing)] += 1
            log.warning("not implemented in the sandbox: %s", missing)
            return types.RpcError(400, "NOT_IMPLEMENTED_IN_SANDBOX")
        except Exception as crash:
            self.crashes.append(crash)
            log.exception("the handler of %s failed", planned.name)
            return types.RpcError(400, "BUG_IN_SANDBOX")  # a 500 would be tried again

    def _run(self, call: Call, planned: Planned) -> TlValue:
        fault = planned.fault
        if fault and fault.kind == "flood_wait":
            raise flood_wait(int(fault.seconds))
        if fault and fault.kind == "error":
            raise TelegramError(fault.code, fault.message)
        method = self._methods.get(type(planned.request))
        if method is None:
            raise NotServedError(planned.name)
        if method.needs_login:
            account = call.account
            if method.changes_things:
                accounts.require_acting(account)
        return method.handler(call, planned.request)


def method_name(request: type[TLRequest]) -> str:
    """A method as Telegram's documentation names it: `payments.connectStarRefBot`."""
    namespace = request.__module__.rpartition("functions")[2].lstrip(".")
    short = request.__name__.removesuffix("Request")
    name = short[0].lower() + short[1:]
    return f"{namespace}.{name}" if namespace else name


def rpc_error(refusal: TelegramError) -> TlValue:
    """A refusal on the wire."""
    return types.RpcError(refusal.code, refusal.message)
