"""The guard between a parent and its child: when the parent is gone, however it went, so is the child.

Run as `python -P guard.py FD GRACE COMMAND...`: a process in a session of its own (Ctrl-C in the
parent's terminal does not reach it) that holds the read end of a pipe. End of file there means that the
parent closed the pipe or died, SIGKILL included; the child is then asked to stop (SIGTERM) and, `GRACE`
seconds later, made to. Should the guard itself be killed, Linux kills the child (PR_SET_PDEATHSIG).
"""

import ctypes
import os
import select
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1


def _die_with_guard() -> None:
    """In the child, before it becomes the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Run the command until it ends or the pipe does; answers with the command's exit code."""
    pipe, grace, command = int(arguments[0]), float(arguments[1]), arguments[2:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the pipe and the child decide
    woken, wake = os.pipe()
    signal.set_wakeup_fd(_nonblocking(wake))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # preexec_fn is safe here: the guard has one thread. PDEATHSIG follows the thread that started the child.
    child = subprocess.Popen(  # noqa: S603 - the caller's own command
        command,
        preexec_fn=_prepare_child,  # noqa: PLW1509
        pass_fds=(),
    )
    while child.poll() is None:
        ready, _, _ = select.select([pipe, woken], [], [])
        if pipe in ready and not os.read(pipe, 1):
            return _stop(child, grace)
        if woken in ready:
            os.read(woken, 512)
    return child.returncode


def _prepare_child() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    _die_with_guard()


def _nonblocking(descriptor: int) -> int:
    os.set_blocking(descriptor, False)
    return descriptor


def _stop(child: subprocess.Popen[bytes], grace: float) -> int:
    child.terminate()
    try:
        return child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
