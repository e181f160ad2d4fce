"""`python -m mtproto_bridge dead-letters [list|retry|drop]`: requests that were given up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from mtproto_bridge.app import outages_told, queue_server
from mtproto_bridge.overview import printable
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.letters import DeadLetters, Letter
from mtproto_bridge.settings import BridgeSettings

Say = Callable[[str], object]
START_WITHIN = timedelta(minutes=10)
"""A request that is put back is begun by then, or answered that it was too late."""
NONE = "There are no dead letters."
PERSONAL = ("invite", "url")
"""What a payload says that is nobody else's to read, operators included."""


async def dead_letters(settings: BridgeSettings, what: str, which: list[str], say: Say) -> int:
    """List them, or retry or drop some (or `all`); answers the exit code, 1 when one was not found.

    Raises:
        QueueError: the queue cannot be reached.
    """
    async with queue_server(settings) as server:
        with outages_told():
            return await _handle(DeadLetters(server, Keys(settings.queue_prefix)), what, which, say)


async def _handle(letters: DeadLetters, what: str, which: list[str], say: Say) -> int:
    found = [one async for one in letters.all() if what == "list" or "all" in which or one.id in which]
    if what == "list":
        for letter in found:
            say(_line(letter))
        say(f"{len(found)} in all. Put back: dead-letters retry ID (or all); forget: drop ID." if found else NONE)
        return 0
    for letter in found:
        if what == "retry":
            gone = not await letters.retry(letter, datetime.now(UTC) + START_WITHIN)
            say(f"{letter.id} {'was gone already' if gone else 'is back in its lane; the answer goes to the chat'}")
        else:
            await letters.drop(letter)
            say(f"{letter.id} is forgotten")
    missing = [one for one in which if one != "all" and one not in {letter.id for letter in found}]
    for one in missing:
        say(f"{one} is no dead letter: `dead-letters list` shows them")
    if not found and not missing:
        say(NONE)
    return 1 if missing else 0


def _line(letter: Letter) -> str:
    payload = letter.request.payload
    facts = payload.model_dump(exclude={"kind", *PERSONAL})
    about = printable(", ".join(f"{name} {value}" for name, value in facts.items()))
    return (
        f"{letter.id}  {letter.buried_at:%Y-%m-%d %H:%M:%S} UTC  {payload.kind} ({about}) on account {letter.account}"
        f" for person {letter.request.actor}: {letter.reason} (trace {letter.request.trace})"
    )
