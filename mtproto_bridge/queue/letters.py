"""Dead letters: requests that were begun too often without an end, kept until an operator looks at them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from pydantic import ValidationError

from mtproto_bridge.protocol import Request
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.redis import QueueServer

log = structlog.get_logger()


@dataclass(frozen=True)
class Letter:
    """One dead letter."""

    id: str
    account: AccountId
    """Whose lane it lay in."""
    reason: str
    request: Request

    @property
    def buried_at(self) -> datetime:
        """When it was given up."""
        return datetime.fromtimestamp(int(self.id.partition("-")[0]) / 1000, UTC)


class DeadLetters:
    """The dead letters of one installation."""

    def __init__(self, server: QueueServer, keys: Keys) -> None:
        self._server = server
        self._keys = keys

    async def all(self) -> AsyncIterator[Letter]:
        """Every letter, oldest first."""
        async for page in self._server.pages(self._keys.dead_letters()):
            for letter_id, fields in page:
                try:
                    request = Request.model_validate_json(fields["request"])
                except ValidationError:  # of another version
                    log.warning("letter.unreadable", letter=letter_id)
                    continue
                yield Letter(letter_id, AccountId(int(fields["account"])), fields["reason"], request)

    async def retry(self, letter: Letter, deadline: datetime) -> bool:
        """Put it back into its lane with a new deadline; False when it is gone."""
        # Another id: its first answer was that it was given up.
        request = letter.request.model_copy(update={"deadline": deadline, "id": f"{letter.request.id}/{letter.id}"})
        keys = [self._keys.dead_letters(), self._keys.lane(letter.account)]
        return bool(await self._server.script("revive", keys, letter.id, request.model_dump_json()))

    async def drop(self, letter: Letter) -> bool:
        """Forget it; False when it is gone."""
        return bool(await self._server.ask("XDEL", self._keys.dead_letters(), letter.id))
