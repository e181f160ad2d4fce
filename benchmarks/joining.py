"""(b) A join: from the bot's process over the queue, the bridge and MTProto and back, beside the same calls alone.

Both ways make the calls that `mtproto_bridge.actions.affiliations.join` makes, in its order, on the same account
at the same sandbox; they take turns, so that whatever else the machine does meets both.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from telethon.tl import functions, types

from benchmarks.figures import Round, milliseconds_at
from benchmarks.stage import APP, APP_NAME, CHANNELS, OWNER, Stage
from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import Nonce
from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.protocol.requests import TERMS_VERSION

JOINS = 100
WARM_UP = 10
GOAL = 3.0
"""Through the bridge a join may take so many times what the bare calls take."""
ADMINS_LIMIT = 200

Join = Callable[[], Awaitable[float]]
"""Joins, answers how many seconds that took, and revokes again so that the next one really connects."""


async def measure(stage: Stage, rounds: int) -> list[Round]:
    """Times of joins both ways, and their ratio."""
    async with stage.account() as client, stage.bridge() as bridge:
        through, alone = await _through_the_bridge(bridge), await _telethon_alone(client)
        await _round(through, alone, WARM_UP)
        return [await _round(through, alone, JOINS) for _ in range(rounds)]


async def _round(through: Join, alone: Join, joins: int) -> Round:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(joins):
        times[0].append(await through())
        times[1].append(await alone())
    bridge, bare = times
    return {
        "bridge_p50_ms": milliseconds_at(0.5, bridge),
        "bridge_p99_ms": milliseconds_at(0.99, bridge),
        "telethon_p50_ms": milliseconds_at(0.5, bare),
        "telethon_p99_ms": milliseconds_at(0.99, bare),
        "ratio_p50": milliseconds_at(0.5, bridge) / milliseconds_at(0.5, bare),
        "ratio_p99": milliseconds_at(0.99, bridge) / milliseconds_at(0.99, bare),
    }


async def _through_the_bridge(bridge: BridgeClient) -> Join:
    owner = Caller(OWNER)
    await bridge.accept_terms(owner, TERMS_VERSION)
    await bridge.browse_programs(owner, page=0, size=6)
    balances = (await bridge.list_balances(owner)).balances
    channel = next(one.id for one in balances if one.title == CHANNELS[90001])

    async def join() -> float:
        nonce = Nonce.mint(datetime.now(UTC))
        start = time.perf_counter()
        made = await bridge.join(owner, channel, BotId(APP), nonce)
        took = time.perf_counter() - start
        assert made.changed, "nothing was connected, so nothing was measured"
        await bridge.revoke(owner, channel, made.affiliation.id, Nonce.mint(datetime.now(UTC)))
        return took

    return join


async def _telethon_alone(client: Any) -> Join:  # noqa: ANN401 - Telethon is untyped
    bare = await Bare.on(client)

    async def join() -> float:
        start = time.perf_counter()
        url = await bare.join()
        took = time.perf_counter() - start
        await bare.revoke(url)
        return took

    return join


@dataclass(frozen=True)
class Bare:
    """The calls of the bridge's actions with nothing around them, for the other channel."""

    client: Any
    channel: Any
    peer: Any
    bot: Any

    @classmethod
    async def on(cls, client: Any) -> Self:  # noqa: ANN401 - Telethon is untyped
        """Learn the access hashes."""
        dialogs = await client.get_dialogs(limit=None)
        channel = next(one.entity for one in dialogs if one.title == CHANNELS[90002])
        found = await client(functions.contacts.ResolveUsernameRequest(APP_NAME))
        return cls(
            client,
            types.InputChannel(channel.id, channel.access_hash),
            types.InputPeerChannel(channel.id, channel.access_hash),
            types.InputUser(found.users[0].id, found.users[0].access_hash),
        )

    async def look(self) -> None:
        """Who may post, whether there is a link, what the program offers."""
        admins = types.ChannelParticipantsAdmins()
        await self.client(functions.channels.GetParticipantsRequest(self.channel, admins, 0, ADMINS_LIMIT, hash=0))
        await self.client(functions.payments.GetConnectedStarRefBotRequest(self.peer, self.bot))
        await self.client(functions.users.GetFullUserRequest(self.bot))

    async def join(self) -> str:
        """Look, and connect; returns the link."""
        await self.look()
        made = await self.client(functions.payments.ConnectStarRefBotRequest(self.peer, self.bot))
        link = made.connected_bots[0]
        assert not link.revoked, "nothing was connected, so nothing was measured"
        return str(link.url)

    async def revoke(self, url: str) -> None:
        """So that the next join really connects."""
        await self.client(functions.payments.EditConnectedStarRefBotRequest(self.peer, url, revoked=True))
