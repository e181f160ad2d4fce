"""What the rounds say: medians, ratios, and whether the goals are met. Nothing here runs anything."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import Round, medians

Rounds = Mapping[str, Sequence[Round]]
"""Each contestant's rounds, in their order."""

P50, THROUGHPUT = "one_p50_ms", "many_per_second"
_SIDES = ("client", "worker", "server")


@dataclass(frozen=True)
class Goal:
    """One thing the queue must show, as a ratio within this run."""

    text: str
    bound: float
    at_most: bool
    ratio: float | None
    """None: the run lacks what it is measured by."""

    @property
    def verdict(self) -> str:
        """Met, missed or not measured."""
        if self.ratio is None:
            return "not measured"
        return "met" if (self.ratio <= self.bound if self.at_most else self.ratio >= self.bound) else "missed"


def ratio(rounds: Rounds, name: str, other: str, figure: str) -> float:
    """How many times another's figure it is: the median of what each round says, where both met the same machine."""
    return statistics.median(one[figure] / two[figure] for one, two in zip(rounds[name], rounds[other], strict=True))


def goals(rounds: Rounds, frameworks: Iterable[str]) -> list[Goal]:
    """The goals of the queue, each against the framework that does best in it."""
    there = [name for name in frameworks if name in rounds]
    quickest = _best(rounds, there, P50, min)
    widest = _best(rounds, there, THROUGHPUT, max)
    ours = "ours" in rounds

    def times(name: str, other: str, figure: str) -> float | None:
        return ratio(rounds, name, other, figure) if ours and {name, other} <= rounds.keys() else None

    return [
        Goal("p50, times a PING of redis-py", 5.0, at_most=True, ratio=times("ours", "ping", P50)),
        Goal(
            f"times faster at p50 than the quickest framework ({quickest or 'none'})",
            2.5,
            at_most=False,
            ratio=times(quickest, "ours", P50),
        ),
        Goal(
            f"times the throughput of the framework with the highest ({widest or 'none'})",
            8.0,
            at_most=False,
            ratio=times("ours", widest, THROUGHPUT),
        ),
    ]


def _best(rounds: Rounds, names: Sequence[str], figure: str, choose: Callable[..., str]) -> str:
    return choose(names, key=lambda name: medians(rounds[name])[figure], default="")


def table(rounds: Rounds, redis: Mapping[str, str]) -> str:
    """One line a contestant: latency alone, throughput in a crowd, what it costs there, and how ours compares."""
    lines = [
        f"{'':26}{'one in flight':^24}{'64 in flight':^23}{'CPU, µs a message (64)':^30}{'ours is':^20}".rstrip(),
        _row("", "redis-py", "p50 ms", "p99 ms", "x PING", "a second", "p99 ms", *_SIDES, "x faster", "x as many"),
    ]
    for name, its in rounds.items():
        figures = medians(its)
        others = name != "ours" and "ours" in rounds
        lines.append(
            _row(
                name,
                redis[name],
                f"{figures[P50]:.2f}",
                f"{figures['one_p99_ms']:.2f}",
                f"{ratio(rounds, name, 'ping', P50):.1f}" if "ping" in rounds else "",
                f"{figures[THROUGHPUT]:.0f}",
                f"{figures['many_p99_ms']:.1f}",
                *(f"{figures[f'many_{side}_us']:.0f}" for side in _SIDES),
                f"{ratio(rounds, name, 'ours', P50):.2f}" if others else "",
                f"{ratio(rounds, 'ours', name, THROUGHPUT):.2f}" if others else "",
            )
        )
    return "\n".join(lines)


def _row(name: str, *cells: str) -> str:
    return f"{name:13}{''.join(f'{cell:>10}' for cell in cells)}".rstrip()


def goal_lines(all_goals: Iterable[Goal]) -> str:
    """One line a goal."""
    return "\n".join(
        f"  {'-' if goal.ratio is None else f'{goal.ratio:.2f}':>6}  {goal.text}: "
        f"{'at most' if goal.at_most else 'at least'} {goal.bound:g}: {goal.verdict}"
        for goal in all_goals
    )
