"""`python -m benchmarks`: what the sandbox and a join cost on this machine; `... queue`: what the queue costs."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import uvloop

from benchmarks import accounts, conversing, joining, mtproto
from benchmarks.figures import Round, medians
from benchmarks.queue import contest, report
from benchmarks.stage import hosted, staged

INTERRUPTED = 130
"""The exit code of a process that Ctrl-C ended."""

BUSY_LOAD = 0.7
"""From where on other work on the machine shows in the figures."""

Number = TypeVar("Number", int, float)


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print the medians over all rounds."""
    options = _parser().parse_args(arguments)
    try:
        ways = {"queue": _queue, "accounts": _accounts, "conversation": _conversation, "join": _join}
        return ways[options.what](options)
    except KeyboardInterrupt:
        print("Interrupted; nothing is left running.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        usage="%(prog)s [-h] [--rounds ROUNDS] [--json]\n       %(prog)s {queue,accounts,conversation} [-h] ...",
        description="Measures the sandbox's MTProto server, and a join through the bridge beside the bare calls. "
        "With `queue`: a round trip through the queue beside a PING, naive streams and other frameworks. "
        "With `accounts`: what many connected accounts cost. With `conversation`: from a tap to its answer.",
        epilog="benchmarks/README.md says how to read the figures: the ratios travel, the times do not.",
    )
    _add_common(parser, rounds=5)
    parser.set_defaults(what="join")
    others = parser.add_subparsers(title="also", metavar="queue, accounts, conversation", prog="python -m benchmarks")
    queue = others.add_parser(
        "queue",
        help="the queue beside a PING, naive streams and other frameworks",
        description="Round trips through the queue with its full semantics, beside a redis-py PING, naive streams, "
        "FastStream, pydocket, taskiq, saq and arq: on one Valkey, in turn, one and 64 in flight.",
        epilog="The frameworks live in environments of their own, which `make bench-queue` sets up; one that is "
        "not there is left out. Six rounds of everybody take about seven minutes. benchmarks/README.md says how to "
        "read the figures.",
    )
    _add_common(queue, rounds=6)
    queue.add_argument(
        "--seconds",
        type=_at_least(float, 0.05, "seconds (0.05 or more)"),
        default=1.5,
        help="how long each figure is measured in each round (default: 1.5)",
    )
    queue.add_argument(
        "--only",
        type=_contestants,
        default=list(contest.CONTESTANTS),
        metavar="A,B",
        help=f"only these, of {', '.join(one.name for one in contest.CONTESTANTS)}",
    )
    queue.set_defaults(what="queue")
    many = others.add_parser(
        "accounts",
        help="what many connected accounts cost, beside bare Telethon clients",
        description="Memory of each idle connected account and the time to connect all of them again: through the "
        "bridge's pool, and as bare Telethon clients, each in a process of its own, in turn.",
    )
    _add_common(many, rounds=3)
    many.add_argument(
        "--accounts",
        type=_at_least(int, accounts.WARM + 1, f"a number of accounts ({accounts.WARM + 1} or more)"),
        default=accounts.COUNT,
        help=f"how many (default: {accounts.COUNT})",
    )
    many.set_defaults(what="accounts")
    talk = others.add_parser(
        "conversation",
        help="from a tap to its answer, and many people at once",
        description="Taps through bot, queue, bridge and sandbox, beside the same Telethon calls made directly and one "
        f"sendMessage, in turn; then {conversing.CROWD} people who all talk at once.",
    )
    _add_common(talk, rounds=3)
    talk.set_defaults(what="conversation")
    return parser


def _add_common(parser: argparse.ArgumentParser, *, rounds: int) -> None:
    parser.add_argument(
        "--rounds",
        type=_at_least(int, 1, "a number of rounds (1 or more)"),
        default=rounds,
        help=f"medians are taken over so many (default: {rounds})",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every round's figures")


# -- a join ---------------------------------------------------------------------------------------------------


def _join(options: argparse.Namespace) -> int:
    rounds = uvloop.run(_measure(options.rounds))
    if options.json:
        print(json.dumps({name: _with_medians(its) for name, its in rounds.items()}, indent=1))
    else:
        print(_table(medians(rounds["mtproto"]), medians(rounds["join"]), options.rounds))
    return 0


async def _measure(rounds: int) -> dict[str, list[Round]]:
    async with staged() as stage:
        return {"mtproto": await mtproto.measure(stage, rounds), "join": await joining.measure(stage, rounds)}


def _table(server: Round, join: Round, rounds: int) -> str:
    verdict = "met" if join["ratio_p50"] <= joining.GOAL else "missed"
    return (
        f"Medians over {rounds} rounds; everything on this machine, each side in a process of its own.\n"
        "\n"
        "Sandbox (MTProto, one Telethon client)\n"
        f"  key exchanges                 {server['handshakes_per_second']:8.1f} /s\n"
        f"  requests, one after another   {server['requests_per_second_sequential']:8.0f} /s\n"
        f"  requests, 100 in flight       {server['requests_per_second_100_in_flight']:8.0f} /s\n"
        "\n"
        f"A join ({joining.JOINS} a round, both ways in turn)       p50        p99\n"
        f"  bot - queue - bridge - Telegram     {join['bridge_p50_ms']:6.2f} ms  {join['bridge_p99_ms']:6.2f} ms\n"
        f"  the same four calls by Telethon     {join['telethon_p50_ms']:6.2f} ms  {join['telethon_p99_ms']:6.2f} ms\n"
        f"  ratio                               {join['ratio_p50']:6.2f}     {join['ratio_p99']:6.2f}\n"
        f"  goal: at most {joining.GOAL:g} times at p50: {verdict}"
    )


# -- many accounts --------------------------------------------------------------------------------------------


def _accounts(options: argparse.Namespace) -> int:
    rounds = uvloop.run(_measure_accounts(options.rounds, options.accounts))
    if options.json:
        print(json.dumps(_with_medians(rounds), indent=1))
        return 0
    figures = medians(rounds)
    verdict = "met" if figures["pool_kib"] <= accounts.GOAL_KIB else "missed"
    print(
        f"Medians over {options.rounds} rounds; {options.accounts} accounts, each way in a process of its own.\n"
        "\n"
        "                          idle, connected    all connected again\n"
        f"  the bridge's pool       {figures['pool_kib']:8.1f} KiB each   {figures['pool_seconds']:8.2f} s\n"
        f"  bare Telethon clients   {figures['telethon_kib']:8.1f} KiB each   {figures['telethon_seconds']:8.2f} s\n"
        f"  ratio                   {figures['ratio_kib']:8.2f}            {figures['ratio_seconds']:8.2f}\n"
        f"  goal: at most {accounts.GOAL_KIB:g} KiB each: {verdict}"
    )
    return 0


async def _measure_accounts(rounds: int, count: int) -> list[Round]:
    async with staged(accounts.people(count)) as stage:
        return await accounts.measure(stage, rounds, count)


# -- a conversation -------------------------------------------------------------------------------------------


def _conversation(options: argparse.Namespace) -> int:
    if busy := _busy():
        print(busy, file=sys.stderr)
    rounds, crowd = uvloop.run(_measure_conversation(options.rounds))
    if options.json:
        print(json.dumps(_with_medians(rounds) | {"crowd": crowd}, indent=1))
    else:
        print(
            f"Medians over {options.rounds} rounds of {conversing.TAPS} taps; bot, bridge and the direct way in turn.\n"
        )
        print(conversing.table(medians(rounds), crowd))
    return 0


async def _measure_conversation(rounds: int) -> tuple[list[Round], Round]:
    async with hosted(conversing.people(), conversing.channels()) as (stage, sandbox), stage.bridge(), stage.bot():
        return await conversing.measure(stage, sandbox, rounds), await conversing.crowd(sandbox)


# -- the queue ------------------------------------------------------------------------------------------------


def _queue(options: argparse.Namespace) -> int:
    contestants = [one for one in options.only if _is_there(one)]
    if not contestants:
        return 2
    if busy := _busy():
        print(busy, file=sys.stderr)
    rounds: dict[str, list[Round]] = {one.name: [] for one in contestants}
    versions: dict[str, contest.Versions] = {}
    try:
        for name, version, figures in contest.hold(contestants, options.rounds, options.seconds):
            versions[name] = version
            rounds[name].append(figures)
    except contest.ContestantError as error:
        print(error, file=sys.stderr)
        return 1
    frameworks = [one for one in contestants if one.framework]
    goals = report.goals(rounds, [one.name for one in frameworks if not one.is_keen])
    harder = (
        report.goals(rounds, [one.name for one in frameworks])[1:] if any(one.is_keen for one in frameworks) else []
    )
    if options.json:
        told = {
            "contestants": {
                one.name: {"settings": one.settings, **asdict(versions[one.name]), **_with_medians(rounds[one.name])}
                for one in contestants
            },
            "goals": [{**asdict(goal), "verdict": goal.verdict} for goal in goals],
            "goals_with_keen": [{**asdict(goal), "verdict": goal.verdict} for goal in harder],
        }
        print(json.dumps(told, indent=1))
        return 0
    print(f"Medians over {options.rounds} rounds, in turn on one Valkey (unix socket, AOF every second).\n")
    print(report.table(rounds, {name: version.redis for name, version in versions.items()}))
    print("\nGoals")
    print(report.goal_lines(goals))
    if harder:
        print("\nThe same beside those that poll as no application could")
        print(report.goal_lines(harder))
    print("\nIn which settings")
    for one in contestants:
        print(f"  {one.name:13}{versions[one.name].version:9}{one.settings}")
    return 0


def _busy() -> str:
    """A warning where the machine has other things to do: a contestant's two processes and the server need it."""
    load = os.getloadavg()[0]
    if load < BUSY_LOAD:
        return ""
    return f"This machine is busy (load {load:.1f}): whoever needs most of it looks worst, and no figure is worth much."


def _is_there(contestant: contest.Contestant) -> bool:
    if contestant.python.exists():
        return True
    print(
        f"{contestant.name} is left out: there is no {contestant.environment}; `make bench-queue` sets it up.",
        file=sys.stderr,
    )
    return False


def _with_medians(rounds: list[Round]) -> dict[str, Any]:
    return {"median": medians(rounds), "rounds": rounds}


def _contestants(text: str) -> list[contest.Contestant]:
    known = {one.name: one for one in contest.CONTESTANTS}
    if unknown := [name for name in text.split(",") if name not in known]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: nobody of that name; there are {', '.join(known)}")
    return [known[name] for name in known if name in text.split(",")]


def _at_least(kind: Callable[[str], Number], least: float, what: str) -> Callable[[str], Number]:
    def parse(text: str) -> Number:
        try:
            number = kind(text)
        except ValueError:
            number = None
        if number is None or not least <= number < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not {what}")
        return number

    return parse


if __name__ == "__main__":
    sys.exit(main())
