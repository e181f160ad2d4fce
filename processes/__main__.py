"""`make run`: the bridge and the bot as two processes of ours, each handed its own variables only."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Mapping
from types import FrameType

from dotenv import dotenv_values

from processes.environment import environment_for
from processes.tied import TiedProcess

LOOK_SECONDS = 0.2


class _Stopped(Exception):  # noqa: N818
    pass


def main(arguments: list[str] | None = None) -> int:
    """Run both until one ends or we are told to stop; answers an exit code."""
    argparse.ArgumentParser(
        prog="python -m processes",
        description="Runs Starling: the bridge and the bot, with the settings in .env and the environment.",
    ).parse_args(arguments)
    variables = {**{k: v for k, v in dotenv_values(".env").items() if v}, **os.environ}

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    running: list[TiedProcess] = []
    try:
        return _run(variables, running)
    except _Stopped:
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for process in reversed(running):  # the bot first: nobody asks a bridge that is gone
            process.stop()


def _run(variables: Mapping[str, str], running: list[TiedProcess]) -> int:
    for name, module in (("bridge", "mtproto_bridge"), ("bot", "bot")):
        command = [sys.executable, "-m", module, "run"]
        running.append(TiedProcess(command, env=environment_for(name, variables)))
    while True:
        for process in running:
            code = process.poll()
            if code is not None:
                return code
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
