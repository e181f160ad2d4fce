"""A child process that cannot outlive us."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

# By its path and with -P: the folder a child runs in must not be where Python looks for modules.
GUARD = Path(__file__).with_name("guard.py")
DEFAULT_GRACE = 10.0
"""Seconds a child has between SIGTERM and SIGKILL."""


class TiedProcess:
    """A command running under a guard (see `processes.guard`), started at once."""

    def __init__(  # noqa: PLR0913 - what any process is started with
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        grace: float = DEFAULT_GRACE,
        stdin: int | IO[bytes] | None = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> None:
        self.name = command[0]
        held, self._pipe = os.pipe()
        self._grace = grace
        try:
            self._guard = subprocess.Popen(  # noqa: S603 - the caller's own command
                [sys.executable, "-P", str(GUARD), str(held), str(grace), *command],
                env=dict(env) if env is not None else None,
                cwd=cwd,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(held,),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(held)

    @property
    def stdout(self) -> IO[bytes] | None:
        """What the child prints, when it was started with a pipe."""
        return self._guard.stdout

    def poll(self) -> int | None:
        """The child's exit code, None while it runs; 256 less n where signal n ended it."""
        return self._guard.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the child to end.

        Raises:
            subprocess.TimeoutExpired: it did not within `timeout` seconds.
        """
        return self._guard.wait(timeout)

    def stop(self) -> int:
        """Ask the child to stop, make it after its grace, and wait until it is gone."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        code = self._guard.wait(self._grace + 5)
        if self._guard.stdout:
            self._guard.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
