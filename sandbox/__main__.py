"""`python -m sandbox`: a local Telegram to try things in."""

import argparse
import sys
from collections.abc import Sequence

from sandbox import demo, serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A local Telegram: nothing in it reaches the real one."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo.add_parser(commands)
    serve.add_parser(commands)
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


if __name__ == "__main__":
    sys.exit(main())
