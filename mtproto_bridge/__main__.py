"""`python -m mtproto_bridge [run|login|check]`."""

import argparse
import sys

COMMANDS = {
    "run": "serve the bot's requests until stopped (the default)",
    "login": "log a Telegram account in, in this terminal: phone, code, two-step password",
    "check": "say what is wrong with this set-up, a sentence each; exit code 1 if anything is",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; answers the exit code (2: a setting is missing or wrong)."""
    parser = argparse.ArgumentParser(
        prog="python -m mtproto_bridge",
        description="Starling's bridge: acts at Telegram for the bot, on accounts you log in here.",
        epilog="Settings come from the environment and .env; .env.example explains them.",
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text, description=text)
    command = parser.parse_args(arguments).command or "run"

    from mtproto_bridge.commands import execute  # noqa: PLC0415 - --help does not wait for Telethon and SQLAlchemy

    return execute(command)


if __name__ == "__main__":
    sys.exit(main())
