"""`python -m tests.chaos`: the long form. Prints what came of it; exit code 1 if anything that must not be was."""

import argparse
import asyncio
import json
import random
import sys

import structlog

from tests.chaos.run import chaos
from tests.chaos.site import set_up


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--requests", type=int, default=25_000, help="go on until so many were made (%(default)s)")
    parser.add_argument("--accounts", type=int, default=40, help="default: %(default)s")
    parser.add_argument("--bridges", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="of an earlier run, to repeat it")  # noqa: S311
    parser.add_argument("--rate", type=float, default=60, help="requests a second, about (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs, journal and store")
    options = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # what the log-in and the clients say
    _tell(f"seed {options.seed}: logging {options.accounts} accounts in, starting {options.bridges} bridges")
    with set_up(options.accounts, options.bridges, keep=options.keep) as made:
        if options.keep:
            _tell(f"everything is in {made.folder}")
        report = asyncio.run(chaos(made, seed=options.seed, requests=options.requests, rate=options.rate, tell=_tell))
    sys.stdout.write((json.dumps(report.as_json(), indent=2) if options.json else report.table()) + "\n")
    return 1 if report.complaints or report.slow else 0


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
