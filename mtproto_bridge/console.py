"""The terminal in which an operator is asked and told. Never a chat."""

import getpass
import io
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

BLACK_ON_WHITE, PLAIN = "\x1b[97;40m", "\x1b[0m"
"""Bright blocks on black ground are a QR code's light modules, whatever the terminal's own colours are."""


class Console(Protocol):
    """Where the operator is asked and told."""

    def ask(self, question: str, *, secret: bool = False) -> str:
        """One line from the operator, not shown while typed when it is secret.

        Raises:
            EOFError: they end it, by Ctrl-C or otherwise.
        """

    def say(self, text: str) -> None:
        """One line for the operator."""

    def show(self, url: str) -> None:
        """What is to be scanned now; what was shown last is good no more."""


class Terminal:
    """The operator's terminal; lines from and to a pipe do as well, for set-ups without one."""

    def __init__(self) -> None:
        self._drawn = 0
        """Lines of a drawing that stand last on the screen."""

    def ask(self, question: str, *, secret: bool = False) -> str:
        """One line from the operator."""
        self._drawn = 0
        if not sys.stdin.isatty():
            line = sys.stdin.readline()
            if not line:
                raise EOFError
            return line.strip()
        with _ended_by_ctrl_c():
            return (getpass.getpass(question) if secret else input(question)).strip()

    def say(self, text: str) -> None:
        """One line for the operator."""
        self._drawn = 0
        print(text, flush=True)  # noqa: T201 - this is a console

    def show(self, url: str) -> None:
        """A QR code, over the one before; the URL itself on a pipe or where there is no room."""
        lines = _drawing(url)
        if not sys.stdout.isatty() or max(map(len, lines)) > shutil.get_terminal_size().columns:
            self.say(url)
            return
        if self._drawn:
            sys.stdout.write(f"\x1b[{self._drawn}F\x1b[J")  # up to its first line, and clear from there
        self.say("\n".join(f"{BLACK_ON_WHITE}{line}{PLAIN}" for line in lines))
        self._drawn = len(lines)


def _drawing(url: str) -> list[str]:
    import segno  # noqa: PLC0415 - needed here only

    drawn = io.StringIO()
    segno.make_qr(url, error="l").terminal(drawn, compact=True)
    return drawn.getvalue().splitlines()


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """The handler of asyncio's would leave a question waiting until the second Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise EOFError from None
    finally:
        signal.signal(signal.SIGINT, before)
