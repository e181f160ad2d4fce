"""What is known of the queue, for operators in the chat and on the console."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from mtproto_bridge.actions.context import DeskUnreachable, Lane
from mtproto_bridge.handling import OurBot
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue.checks import no_answer
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.leases import bridge_of
from mtproto_bridge.queue.letters import DeadLetters
from mtproto_bridge.queue.our_bot import our_bot
from mtproto_bridge.queue.redis import Outage, QueueServer


class QueueDesk:
    """Reads it from the queue's server; raises DeskUnreachable where that is out of reach."""

    def __init__(
        self, server: QueueServer, keys: Keys, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._now = now
        self._server = server
        self._keys = keys

    async def lanes(self, accounts: Sequence[AccountId]) -> Mapping[AccountId, Lane]:
        """How the lanes of these accounts are doing."""
        with _told():
            return dict(zip(accounts, await asyncio.gather(*map(self._lane, accounts)), strict=True))

    async def _lane(self, account: AccountId) -> Lane:
        floods, lease, waiting = await asyncio.gather(
            self._server.moments(self._keys.floods(account)),
            self._server.get(self._keys.lease(account)),
            self._server.ask("XLEN", self._keys.lane(account)),
        )
        now = self._now()
        return Lane(
            bridge_of(lease),
            int(waiting),
            {method: until for method, until in sorted(floods.items()) if until > now},
        )

    async def dead_letters(self) -> int:
        """How many requests were given up."""
        with _told():
            return int(await self._server.ask("XLEN", self._keys.dead_letters()))

    async def drop_letters(self, person: int) -> None:
        """Drop a person's requests that were given up."""
        letters = DeadLetters(self._server, self._keys)
        with _told():
            async for letter in letters.all():
                if letter.request.actor == person:
                    await letters.drop(letter)

    async def our_bot(self) -> OurBot | None:
        """The bot that works with this queue."""
        with _told():
            return await our_bot(self._server, self._keys)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Outage as error:
        raise DeskUnreachable(no_answer(error)) from error
