"""`python -m mtproto_bridge`, each time in a process of its own, forked from one that has imported it all already.

Importing Telethon and SQLAlchemy takes two seconds, and the commands are run dozens of times.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60
MOST_BYTES = 65_536
"""What a request may be long; what is typed in must fit into a pipe, too."""


def run_bridge(folder: Path, arguments: list[str], env: Mapping[str, str], typed: str = "") -> tuple[int, str]:
    """Run a command in a folder, its input from a pipe; answers the exit code and all it printed."""
    stdin, keyboard = os.pipe()
    screen, stdout = os.pipe()
    answer, ours = socket.socketpair()
    request = json.dumps([str(folder), arguments, dict(env)]).encode()
    with answer, open(screen, "rb") as shown:  # noqa: PTH123 - a descriptor
        with ours, open(stdin), open(stdout, "wb"):  # noqa: PTH123 - as above
            _, forker = _forker()
            socket.send_fds(forker, [request], [stdin, stdout, ours.fileno()])
        with open(keyboard, "w") as keys:  # noqa: PTH123 - as above
            keys.write(typed)
        said = shown.read().decode()
        code = answer.recv(1)
    assert code, f"it fell, or took too long:\n{said}"
    return code[0], said


@cache
def _forker() -> tuple[subprocess.Popen[bytes], socket.socket]:
    """The process that forks, and the way to it; it ends with us."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - this file
            [sys.executable, "-m", "tests.commands", str(theirs.fileno())],
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return process, ours


def _serve(requests: socket.socket) -> None:
    import mtproto_bridge.commands  # noqa: F401, PLC0415 - here it takes its time, once

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, MOST_BYTES, 3)
        if not request:
            return
        if os.fork() == 0:
            requests.close()
            _become(*json.loads(request), *descriptors)
        for one in descriptors:
            os.close(one)


def _become(folder: str, arguments: list[str], env: dict[str, str], stdin: int, stdout: int, answer: int) -> None:
    """Be the command, and end."""
    from mtproto_bridge.__main__ import main  # noqa: PLC0415 - imported long ago

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.alarm(PATIENCE)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for source, target in ((stdin, 0), (stdout, 1), (stdout, 2)):
        os.dup2(source, target)
    os.close(stdin)
    os.close(stdout)
    try:
        code = main(arguments)
    except SystemExit as end:  # argparse's
        code = int(end.code or 0)
    sys.stdout.flush()
    os.write(answer, bytes([code]))
    os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
