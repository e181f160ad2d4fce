"""Ours, whole: what the bot and the bridge run, with an echo in the place of Telegram.

Bounded submit; begun under the lease with its attempt and nonce (by submit.lua); order per balance; finish under
the lease with the result kept under the nonce.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog

from benchmarks.queue.contestant import Place, Trip
from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.handling import Lease
from mtproto_bridge.protocol import Nonce, Origin, Reply, Request
from mtproto_bridge.protocol.ids import AccountId, AffiliationId, BalanceId, BotId
from mtproto_bridge.protocol.replies import Affiliation, AffiliationPage, Balance
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.lanes import LaneOwner
from mtproto_bridge.queue.redis import QueueServer

LIBRARY = "starling"
ACCOUNTS = tuple(AccountId(number) for number in range(1001, 1009))
BALANCES_EACH = 8
"""8 accounts with 8 balances: what is in flight is for different balances, as it is when 64 people tap."""
APP = BotId(8_000_001)

PAGE = AffiliationPage(
    affiliation=Affiliation(
        id=AffiliationId(1),
        balance=Balance(id=BalanceId(1), kind="channel", title="A channel", username="a_channel", joined=True),
        bot_id=APP,
        bot_username="some_app_bot",
        bot_title="Some app",
        url="https://t.me/some_app_bot?start=_tgr_Zm9vYmFy",
        date=datetime(2026, 1, 1, tzinfo=UTC),
        commission_permille=200,
        duration_months=12,
        participants=0,
        revenue=0,
        revoked=False,
    ),
    changed=True,
)


class _Echo:
    """Answers every join with the same page."""

    async def handle(
        self,
        account: AccountId,  # noqa: ARG002 - the interface of a handler
        request: Request,
        *,
        lease: Lease,  # noqa: ARG002
        attempt: int,  # noqa: ARG002
        stored: Reply | None,  # noqa: ARG002
    ) -> Reply:
        return Reply.to(request, result=PAGE)

    async def connect(self, account: AccountId, lease: Lease) -> None:
        """There is nothing to connect."""

    async def attend(self, account: AccountId, lease: Lease) -> bool:  # noqa: ARG002 - the interface of a handler
        """There is nothing to do unasked."""
        return False

    async def let_go(self, account: AccountId) -> None:
        """Nothing is connected."""

    def cut(self, account: AccountId) -> None:
        """Nothing is connected."""

    def remember_floods(self, account: AccountId, floods: Mapping[str, datetime]) -> None:
        """Nobody floods."""


@asynccontextmanager
async def working(url: str) -> AsyncIterator[None]:
    """A bridge that holds every lane."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    server, keys = QueueServer(url), Keys()
    routes = {balance: ACCOUNTS[balance // BALANCES_EACH] for balance in range(len(ACCOUNTS) * BALANCES_EACH)}
    await server.hash_put(keys.routes(), {str(balance): str(account) for balance, account in routes.items()})
    owner = LaneOwner(server, keys, "bench", _Echo())

    async def accounts() -> Iterable[AccountId]:
        return ACCOUNTS

    task = asyncio.create_task(owner.run(accounts))
    while owner.accounts != set(ACCOUNTS):  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.01)
    yield
    owner.stop()
    await task


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Trip]:
    """The bot's client: a fresh nonce for each join."""
    client = BridgeClient.at(url, name="bench")
    await client.start()

    async def trip(place: Place) -> None:
        caller = Caller(1_000_000 + place.slot, Origin(chat_id=1_000_000 + place.slot, message_id=4711))
        await client.join(caller, BalanceId(place.slot), APP, Nonce.mint(datetime.now(UTC)))

    yield trip
    await client.close()
