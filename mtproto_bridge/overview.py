"""`python -m mtproto_bridge accounts`: which accounts there are, how each of them is, and how much it holds."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mtproto_bridge.actions.context import DeskUnreachable, Lane
from mtproto_bridge.app import QueueError, database_url, queue_server
from mtproto_bridge.desk import QueueDesk
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue.embedded import EmbeddedServerError
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.settings import BridgeSettings
from mtproto_bridge.store import accounts, open_store
from mtproto_bridge.store.accounts import ListedAccount

Say = Callable[[str], object]
Clock = Callable[[], datetime]

WORDS = {
    "frozen": "frozen by Telegram: it may read, not act; appeal in its app, at @SpamBot",
    "logged_out": "logged out: run `python -m mtproto_bridge login`",
    "banned": "banned or deleted at Telegram: its channels wait for another account",
    "arriving": "being logged in; if nobody is at it any more, run `python -m mtproto_bridge login` again",
    "leaving": "half removed: run `python -m mtproto_bridge accounts remove` again, or `login` to keep it",
    "removed": "removed: its channels wait for another account",
}
"""What is said of an account in any state of the store's but `ready`."""

TITLES = ("id", "name", "username", "state", "channels", "free")


@dataclass(frozen=True)
class Row:
    """One account, as it is shown."""

    id: AccountId
    name: str
    username: str | None
    state: str
    """For a person to read."""
    kept: str
    """For a program: the store's word for it, one of `accounts.State`."""
    bridge: str | None
    floods: dict[str, str]
    """Method to when it may be called again (ISO 8601, UTC)."""
    channels: int
    """Registered channels that it serves."""
    free: int
    """How many more it may take; none unless it is logged in and may act."""


async def overview(
    settings: BridgeSettings,
    say: Say,
    warn: Say,
    *,
    as_json: bool = False,
    now: Clock = lambda: datetime.now(UTC),
) -> int:
    """Show every account; answers the exit code. A queue out of reach is a warning: the store says the rest.

    Raises:
        StoreError: the store cannot be used.
    """
    store = await open_store(database_url(settings))
    try:
        async with store.begin() as session:
            listed = await accounts.shown(session)
    finally:
        await store.close()
    lanes: Mapping[AccountId, Lane] = {}
    try:
        lanes = await _lanes(settings, [one.id for one in listed], now)
    except (QueueError, EmbeddedServerError, DeskUnreachable) as error:
        warn(f"{error} Who serves what, and flood waits, are not known.")
    rows = [_row(one, lanes.get(one.id), now()) for one in listed]
    if as_json:
        say(json.dumps([vars(one) for one in rows], ensure_ascii=False, indent=2))
    elif rows:
        for line in _table(rows):
            say(line)
    else:
        say("No account is logged in: run `python -m mtproto_bridge login`.")
    return 0


async def _lanes(settings: BridgeSettings, known: Sequence[AccountId], now: Clock) -> Mapping[AccountId, Lane]:
    """What the queue knows of these accounts.

    Raises:
        QueueError, EmbeddedServerError, DeskUnreachable: it is out of reach.
    """
    async with queue_server(settings) as server:
        return await QueueDesk(server, Keys(settings.queue_prefix), now).lanes(known)


def _row(account: ListedAccount, lane: Lane | None, now: datetime) -> Row:
    return Row(
        account.id,
        printable(account.name),
        account.username,
        _state(account, lane, now),
        account.state,
        lane.served_by if lane else None,
        {method: until.isoformat() for method, until in lane.floods.items()} if lane else {},
        account.channels,
        account.free,
    )


def _state(account: ListedAccount, lane: Lane | None, now: datetime) -> str:
    if account.state != "ready":
        return WORDS.get(account.state, account.state)
    if lane is None:
        return "logged in"
    said = [f"served by {lane.served_by}" if lane.served_by else "waiting"]
    for method, until in lane.floods.items():
        day = "" if until.date() == now.date() else f"{until:%Y-%m-%d} "
        said.append(f"flood until {day}{until:%H:%M:%S} UTC ({method})")
    return ", ".join(said)


def printable(text: str) -> str:
    """A name as a terminal may show it: names are strangers' words, and may hold what moves the cursor."""
    return "".join(one for one in text if one.isprintable())


def _table(rows: Sequence[Row]) -> list[str]:
    cells = [TITLES]
    for one in rows:
        username = f"@{one.username}" if one.username else "-"
        cells.append((str(one.id), one.name, username, one.state, str(one.channels), str(one.free)))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
