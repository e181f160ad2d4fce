"""What we start ends with us, however we end: real processes, real signals."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from processes.tied import TiedProcess

PATIENCE = 20
GRACE = 0.3

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""
"""A child that only SIGKILL ends; it writes down its pid once it listens to nobody."""

POLITE = """
import os, signal, sys, time
def leave(number, frame):
    open(sys.argv[1] + ".left", "w").write(str(number))
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""

PARENT = """
import sys, time
from processes.tied import TiedProcess
child = TiedProcess([sys.executable, "-c", sys.argv[1], sys.argv[2]], grace=float(sys.argv[3]))
print(child._guard.pid, flush=True)
time.sleep(600)
"""

QUEUE_PARENT = """
import os, signal, sys, time
from pathlib import Path
from mtproto_bridge.queue import embedded
server = embedded.start(Path(sys.argv[1]))
print(server._guard.pid, flush=True)
time.sleep(600)
"""


def until(holds: Callable[[], bool], what: str) -> None:
    """Processes end in their own time: look again until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether a process is there and no mere zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def child_of(pid: int) -> int:
    """The one child of a process."""
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


class Family:
    """A parent of ours, the guard it started, and the guard's child."""

    def __init__(self, folder: Path, script: str = STUBBORN) -> None:
        self.note = folder / "pid"
        command = [sys.executable, "-c", PARENT, script, str(self.note), str(GRACE)]
        self.parent = subprocess.Popen(  # noqa: S603 - a script of this file
            command, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self.parent.stdout
        self.guard = int(self.parent.stdout.readline())
        until(lambda: self.note.exists() and self.note.read_text() != "", "the child starts")
        self.child = int(self.note.read_text())

    def close(self) -> None:
        self.parent.kill()
        self.parent.wait()
        assert self.parent.stdout
        self.parent.stdout.close()


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    made = Family(tmp_path)
    try:
        yield made
    finally:
        made.close()


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_stubborn_child_is_gone_when_its_parent_is(family: Family, number: int) -> None:
    assert runs(family.child)
    family.parent.send_signal(number)
    until(lambda: not runs(family.child), "the child outlives its parent")
    until(lambda: not runs(family.guard), "the guard outlives the parent")


def test_a_child_is_asked_to_leave_before_it_is_made_to(tmp_path: Path) -> None:
    family = Family(tmp_path, POLITE)
    family.parent.kill()
    until(lambda: not runs(family.child), "the child outlives its parent")
    family.close()
    assert (tmp_path / "pid.left").read_text() == str(int(signal.SIGTERM))


def test_a_child_is_gone_when_its_guard_was_killed(family: Family) -> None:
    os.kill(family.guard, signal.SIGKILL)
    until(lambda: not runs(family.child), "the child outlives its guard")


def test_ctrl_c_in_the_parents_terminal_does_not_reach_the_child(tmp_path: Path) -> None:
    """Otherwise the queue would go before the bridge could hand its lanes over."""
    note = tmp_path / "pid"
    deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + PARENT
    family = subprocess.Popen(  # noqa: S603 - a script of this file
        [sys.executable, "-c", deaf, STUBBORN, str(note), str(GRACE)], stdout=subprocess.PIPE, start_new_session=True
    )
    assert family.stdout
    guard = int(family.stdout.readline())
    until(lambda: note.exists() and note.read_text() != "", "the child starts")
    child = int(note.read_text())
    assert {os.getpgid(guard), os.getpgid(child)} == {guard}, "a group of their own"
    os.killpg(family.pid, signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        family.wait(0.2)
    assert runs(child)
    family.kill()
    family.wait()
    family.stdout.close()
    until(lambda: not runs(child), "the child outlives its parent")


def test_the_guard_minds_no_signal_but_its_pipe(family: Family) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(family.guard, number)
    with pytest.raises(subprocess.TimeoutExpired):
        family.parent.wait(0.2)
    assert runs(family.guard)
    assert runs(family.child)


def test_stopping_ends_a_stubborn_child_after_its_grace(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with TiedProcess([sys.executable, "-c", STUBBORN, str(note)], grace=GRACE) as process:
        until(note.exists, "the child starts")
        assert process.poll() is None
        code = process.stop()
        assert code != 0
        assert process.poll() == code
        assert process.stop() == code, "stopping twice is no mistake"


def test_what_the_child_answers_is_passed_on() -> None:
    with TiedProcess([sys.executable, "-c", "import sys; sys.exit(7)"]) as process:
        assert process.wait(PATIENCE) == 7
        assert process.poll() == 7


def test_a_child_that_fell_is_no_success() -> None:
    fall = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    with TiedProcess([sys.executable, "-c", fall]) as process:
        assert process.wait(PATIENCE) != 0


def test_a_command_that_does_not_exist_is_no_success() -> None:
    with TiedProcess(["/nowhere/to/be/found"], stderr=subprocess.DEVNULL) as process:
        assert process.wait(PATIENCE) != 0


def test_what_the_child_prints_can_be_read() -> None:
    with TiedProcess([sys.executable, "-c", "print('here')"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.read() == b"here\n"
    assert process.stdout.closed


def test_a_child_sees_only_the_variables_it_was_handed(tmp_path: Path) -> None:
    show = "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))"
    with TiedProcess(
        [sys.executable, "-c", show], env={"ONLY": "this"}, cwd=tmp_path, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.read() == b"['ONLY']\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_embedded_queue_is_gone_when_its_parent_is(number: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="starling-"))
    command = [sys.executable, "-c", QUEUE_PARENT, str(folder)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - a script of this file
    try:
        assert parent.stdout
        guard = int(parent.stdout.readline())
        server = child_of(guard)
        assert runs(server)
        parent.send_signal(number)
        until(lambda: not runs(server) and not runs(guard), "the server outlives its parent")
    finally:
        parent.kill()
        parent.communicate()
        shutil.rmtree(folder)
