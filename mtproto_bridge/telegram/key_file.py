"""Changing the key file: as a whole, and by one command at a time."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from mtproto_bridge.telegram.sessions import SessionKeyError


def rewrite(path: Path, keys: Sequence[bytes]) -> None:
    """Replace the keys in one step, readable by their owner only: who reads meanwhile sees the old ones or the new.

    Raises:
        SessionKeyError: it cannot be written, or nobody knows whether that would outlast a power loss.
    """
    path = path.resolve()  # a link to it stays one
    fresh = path.with_name(f"{path.name}.new")
    try:
        with suppress(FileNotFoundError):
            fresh.unlink()  # left by one that was killed here
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(b"".join(key + b"\n" for key in keys))
                file.flush()
                os.fsync(descriptor)
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        _sync_folder_of(path)
    except OSError as error:
        raise SessionKeyError(
            f"SESSION_KEY_FILE: {path} cannot be replaced ({error.strerror}). Every session opens as before: "
            "see that we may write it and its folder, then run the command again."
        ) from error


def _open_folder_of(path: Path) -> int:
    folder = path.resolve().parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.open(folder, os.O_RDONLY)


def _sync_folder_of(path: Path) -> None:
    """The new name is on the disk before sessions are sealed with what it names."""
    descriptor = _open_folder_of(path)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@asynccontextmanager
async def locked(path: Path, *, alone: bool = False) -> AsyncIterator[None]:
    """Keep the file's keys from being rotated; who does that is `alone`. On this machine only.

    Raises:
        SessionKeyError: somebody else uses it, and we are to be alone.
    """
    descriptor = _open_folder_of(path)  # the file itself is replaced, and a lock with it
    try:
        if alone:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SessionKeyError(
                    "A log-in, a removal or another rotation uses the keys at this moment: run the command again "
                    "when that is done."
                ) from None
        else:
            await asyncio.to_thread(fcntl.flock, descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)
