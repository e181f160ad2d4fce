"""The bot's updates: queued until confirmed, fetched by long poll or pushed to a webhook.

See core.telegram.org/bots/api#getting-updates.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from sandbox.botapi.errors import conflict
from sandbox.botapi.model import JsonObject

MAX_PENDING = 100
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Left out unless `allowed_updates` names them."""


@dataclass(frozen=True)
class Update:
    """One update, numbered from 1 on without gaps."""

    id: int
    kind: str
    content: JsonObject

    def json(self) -> JsonObject:
        """As the Bot API sends it."""
        return {"update_id": self.id, self.kind: self.content}


@dataclass
class _Poll:
    """One getUpdates that waits; `ended_by` says what took its place."""

    wake: asyncio.Event = field(default_factory=asyncio.Event)
    ended_by: str | None = None


@dataclass
class Updates:
    """The queue between what people do and what the bot hears."""

    pending: list[Update] = field(default_factory=list)
    allowed: frozenset[str] | None = None
    """None until the bot names the kinds it wants: then Telegram's default."""
    next_id: int = 1
    webhook_url: str = ""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while something waits in `pending`; the webhook's courier waits for it."""
    being_polled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while a long poll waits: the bot is up and has taken all there was."""
    _poll: _Poll | None = None
    _closed: bool = False

    def push(self, kind: str, content: JsonObject) -> None:
        """Let something happen to the bot; kinds it does not want are dropped now, not later."""
        wanted = kind not in NOT_BY_DEFAULT if self.allowed is None else kind in self.allowed
        if not wanted:
            return
        self.pending.append(Update(self.next_id, kind, content))
        self.next_id += 1
        self._tell()

    def allow(self, kinds: Collection[str]) -> None:
        """Name the kinds the bot wants from now on; none means Telegram's default."""
        self.allowed = frozenset(kinds) or None

    async def poll(self, offset: int, limit: int, timeout_seconds: float) -> list[Update]:
        """Confirm what is before `offset`, then wait for something to arrive.

        Raises:
            ApiError: 409 when a webhook is set, or another poll or a webhook takes over meanwhile.
        """
        if self.webhook_url:
            raise conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )
        self.end_poll("other getUpdates request; make sure that only one bot instance is running")
        self._confirm(offset)
        if not self.pending and timeout_seconds > 0 and not self._closed:
            await self._wait(timeout_seconds)
        return self.pending[:limit]

    async def _wait(self, timeout_seconds: float) -> None:
        poll = self._poll = _Poll()
        self.being_polled.set()
        try:
            async with asyncio.timeout(timeout_seconds):
                await poll.wake.wait()
        except TimeoutError:
            pass
        finally:
            if self._poll is poll:
                self._poll = None
                self.being_polled.clear()
        if poll.ended_by:
            raise conflict(f"terminated by {poll.ended_by}")

    def end_poll(self, reason: str) -> None:
        """Answer the poll that waits with 409: one bot has one reader."""
        if self._poll:
            self._poll.ended_by = reason
            self._poll.wake.set()

    def close(self) -> None:
        """Let go of whoever waits, for the server to stop."""
        self._closed = True
        if self._poll:
            self._poll.wake.set()

    def open(self) -> None:
        """Let readers wait again, after `close`; nothing that was queued is lost."""
        self._closed = False

    def drop_pending(self) -> None:
        """Forget what was not confirmed."""
        self.pending.clear()
        self.arrived.clear()

    def confirm_first(self) -> None:
        """The webhook took the oldest update."""
        del self.pending[0]
        if not self.pending:
            self.arrived.clear()

    def _confirm(self, offset: int) -> None:
        if offset < 0:  # counted from the end; all before are forgotten
            self.pending = self.pending[offset:]
        elif offset:
            self.pending = [update for update in self.pending if update.id >= offset]
        if not self.pending:
            self.arrived.clear()

    def _tell(self) -> None:
        self.arrived.set()
        if self._poll:
            self._poll.wake.set()
