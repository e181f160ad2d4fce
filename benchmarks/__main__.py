"""`python -m benchmarks`: what the sandbox and a join cost on this machine, side by side in one run."""

import argparse
import json
import sys

import uvloop

from benchmarks import joining, mtproto
from benchmarks.figures import Round, medians
from benchmarks.stage import staged


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print the medians over all rounds."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures the sandbox's MTProto server, and a join through the bridge beside the bare calls.",
        epilog="benchmarks/README.md says how to read the figures: the ratios travel, the times do not.",
    )
    parser.add_argument("--rounds", type=_positive, default=5, help="medians are taken over so many (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every round's figures")
    options = parser.parse_args(arguments)
    rounds = uvloop.run(_measure(options.rounds))
    if options.json:
        print(json.dumps({name: {"median": medians(all_), "rounds": all_} for name, all_ in rounds.items()}, indent=1))
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


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of rounds (1 or more)")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
