"""`python -m mtproto_bridge [run|login|accounts|rotate-keys|check|dead-letters]`."""

import argparse
import sys

COMMANDS = {
    "run": "serve the bot's requests until stopped (the default)",
    "login": "log a Telegram account in, in this terminal: by QR code, or by phone and code",
    "accounts": "the accounts and how each of them is: list them, remove one",
    "rotate-keys": "seal every session with a new key, while bridges run; safe to interrupt and to run again",
    "check": "say what is wrong with this set-up, a sentence each; exit code 1 if anything is",
    "dead-letters": "requests that were given up: list them, put them back, forget them",
}
ACCOUNTS = {
    "list": "show each one's state, the channels it serves and how many more it may take (the default)",
    "remove": "log one out at Telegram and erase its key here",
}
LETTERS = {
    "list": "show them, oldest first (the default)",
    "retry": "put some back into their lanes; the answers go to the chats they came from",
    "drop": "forget some",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; answers the exit code (2: a setting is missing or wrong)."""
    options = _parser().parse_args(arguments)

    from mtproto_bridge.commands import execute  # noqa: PLC0415 - --help does not wait for Telethon and SQLAlchemy

    return execute(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mtproto_bridge",
        description="Starling's bridge: acts at Telegram for the bot, on accounts you log in here.",
        epilog="Settings come from the environment and .env; .env.example explains them.",
    )
    parser.set_defaults(command="run")
    commands = parser.add_subparsers(dest="command", metavar="command")
    made = {name: commands.add_parser(name, help=text, description=text) for name, text in COMMANDS.items()}
    _add_accounts(made["accounts"])
    _add_letters(made["dead-letters"])
    return parser


def _add_accounts(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(what="list", json=False)
    whats = parser.add_subparsers(dest="what", metavar="what")
    made = {name: whats.add_parser(name, help=text, description=text) for name, text in ACCOUNTS.items()}
    for one in (parser, made["list"]):
        one.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for programs to read")
    remove = made["remove"]
    remove.add_argument("id", type=int, metavar="ID", help="its Telegram id, as `list` shows it")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.add_argument("--forget", action="store_true", help="erase it here also when Telegram cannot log it out")


def _add_letters(letters: argparse.ArgumentParser) -> None:
    letters.set_defaults(what="list", which=[])
    whats = letters.add_subparsers(dest="what", metavar="what")
    for name, text in LETTERS.items():
        what = whats.add_parser(name, help=text, description=text)
        if name != "list":
            what.add_argument("which", nargs="+", metavar="ID", help="as `list` shows it, or `all`")


if __name__ == "__main__":
    sys.exit(main())
