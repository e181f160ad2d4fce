"""What came of it all: the ledger of those who asked, held against the journal of the sandbox."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from tests.chaos.ledger import Ask, Deed, Ledger, Tap

CONNECT, EDIT = "payments.connectStarRefBot", "payments.editConnectedStarRefBot"
MOST_RUN_TWICE = 0.001


@dataclass(frozen=True)
class Line:
    """One line of the sandbox's journal (docs/sandbox.md)."""

    at: float
    arrived: float
    connection: int
    account: int | None
    method: str
    outcome: str
    balance: int | None = None
    bot: int | None = None
    url: str | None = None
    revoked: bool = False
    changed: bool = False

    @property
    def deed(self) -> Deed:
        """What it did, where it changed something."""
        return "revoke" if self.revoked else "join"


def read(journal: Path, since: float = 0) -> list[Line]:
    """The lines of calls that arrived since then, in that order; one that is being written is left for later."""
    whole = journal.read_text("utf-8").rpartition("\n")[0].splitlines()
    lines = (Line(**json.loads(one)) for one in whole)
    return sorted((line for line in lines if line.arrived >= since), key=lambda line: line.arrived)


@dataclass
class Counts:
    """What is counted; the first block must be zero."""

    lost: int = 0
    """Requests that were taken and never answered, neither in time nor late."""
    effects_doubled: int = 0
    """Taps with two URLs or two notices, links nobody asked for, requests answered twice."""
    out_of_order: int = 0
    """Effects on a balance that came before those of an earlier request."""
    stale_starts: int = 0
    """Calls that arrived on an account's older connection after the first one on a newer."""
    falsely_refused: int = 0
    """Requests whose asker was told that nothing was done, and which were done."""

    run: int = 0
    """Requests that were answered, refusals of Telegram's included."""
    run_twice: int = 0
    """Calls that change something and found it changed by the same request before."""
    answered_late: int = 0
    refused: int = 0
    """Requests the queue did not take."""
    effects: int = 0
    telegram_calls: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    lost_traces: list[str] = field(default_factory=list)
    """To look for in the bridges' logs."""
    seconds_median: float = 0
    seconds_p99: float = 0
    seconds_longest: float = 0

    @property
    def must_be_zero(self) -> dict[str, int]:
        """What no run may have."""
        names = ("lost", "effects_doubled", "out_of_order", "stale_starts", "falsely_refused")
        return {name: found for name, found in asdict(self).items() if name in names}

    @property
    def broken(self) -> dict[str, int]:
        """Of these, what this run has."""
        return {name: found for name, found in self.must_be_zero.items() if found}


def judge(ledger: Ledger, lines: Sequence[Line]) -> Counts:
    """Count."""
    asks = ledger.asks
    taken = [ask for ask in asks if not ask.refused]
    in_time = [ask for ask in taken if not ask.unanswered]
    late = [ask for ask in taken if ask.unanswered and ask.late]
    lost = [ask for ask in taken if ask.unanswered and not ask.late]
    seconds = sorted(ask.ended_at - ask.sent_at for ask in in_time if ask.ended_at) or [0.0]
    effects = [line for line in lines if line.changed]
    unasked, misplaced = _misfits(effects, ledger.taps)
    return Counts(
        lost=len(lost),
        effects_doubled=unasked + _shown_twice(ledger),
        out_of_order=misplaced,
        stale_starts=stale_starts(lines),
        falsely_refused=sum(ask.refused and any(reply.result for reply in ask.late) for ask in asks),
        run=len(in_time) + len(late),
        run_twice=sum(_found_it_done(line) for line in lines),
        answered_late=len(late),
        refused=len(asks) - len(taken),
        effects=len(effects),
        telegram_calls=len(lines),
        failures=dict(Counter(str(ask.failure) for ask in asks if ask.failure)),
        lost_traces=[f"{ask.trace} ({ask.kind} on {ask.account}, sent at {ask.sent_at:.2f})" for ask in lost],
        seconds_median=median(seconds),
        seconds_p99=seconds[int(len(seconds) * 0.99)],
        seconds_longest=seconds[-1],
    )


def stale_starts(lines: Iterable[Line]) -> int:
    """Calls on a connection older than the newest the account has called on: connections count upwards."""
    newest: dict[int, int] = {}
    found = 0
    for line in lines:
        if line.account is None:
            continue
        found += line.connection < newest.get(line.account, 0)
        newest[line.account] = max(line.connection, newest.get(line.account, 0))
    return found


def _shown_twice(ledger: Ledger) -> int:
    two_urls = sum(len(tap.urls) > 1 for tap in ledger.taps)
    two_notices = sum(tap.notices > 1 for tap in ledger.taps)
    two_answers = sum(len(ask.late) > (1 if ask.unanswered else 0) for ask in ledger.asks if not ask.refused)
    return two_urls + two_notices + two_answers + len(ledger.strange)


def _found_it_done(line: Line) -> bool:
    if line.method == CONNECT:
        return line.outcome == "ok" and not line.changed
    return line.method == EDIT and line.outcome == "STARREF_HASH_REVOKED"


def _misfits(effects: Iterable[Line], taps: Iterable[Tap]) -> tuple[int, int]:
    """Effects nobody asked for, and those that came before an earlier one of their balance.

    An effect belongs to the tap that was shown its link, else to one that was shown none (its answer was a
    failure). A tap that was asked more than once may have acted in any of these places.
    """
    of_pair: dict[tuple[object, ...], list[Tap]] = defaultdict(list)
    for tap in taps:
        of_pair[tap.channel, tap.bot, tap.deed].append(tap)
    last: Counter[int | None] = Counter()
    unasked = misplaced = 0
    acted: set[Tap] = set()
    for effect in effects:
        acting = _tap_of(effect, of_pair[effect.balance, effect.bot, effect.deed], acted)
        if acting is None:
            unasked += 1
            continue
        acted.add(acting)
        place = _place(acting.asks, effect, last[effect.balance])
        misplaced += place is None
        last[effect.balance] = max(place or 0, last[effect.balance])
    return unasked, misplaced


def _tap_of(effect: Line, taps: Iterable[Tap], acted: set[Tap]) -> Tap | None:
    possible = [tap for tap in taps if tap not in acted and tap.asks[0].sent_at <= effect.at]
    shown = [tap for tap in possible if effect.url in tap.urls]
    return next(iter(shown or [tap for tap in reversed(possible) if not tap.urls]), None)


def _place(asks: Iterable[Ask], effect: Line, last: int) -> int | None:
    """The first place among the requests, not before the last effect's, where this effect may have been asked for."""
    return next((ask.number for ask in asks if ask.sent_at <= effect.at and ask.number > last), None)


def share_run_twice(counts: Counts) -> float:
    """Of all that was run."""
    return counts.run_twice / max(1, counts.run)
