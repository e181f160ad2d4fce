"""A bot reduced to its client, in a process of its own that can be killed while it waits.

`python -m tests.chaos.asker URL NAME ACTOR BALANCE [BOT...]` joins these programs, all at once, and says each answer
in a line: `answer TRACE URL`, or `late TRACE URL` for one to a question of an earlier process of this name.
It stays until it is told to stop.
"""

import asyncio
import signal
import sys
from datetime import UTC, datetime

import structlog

from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import BridgeError, Nonce, Reply
from mtproto_bridge.protocol.ids import BalanceId, BotId
from mtproto_bridge.protocol.replies import AffiliationPage


async def main(url: str, name: str, actor: int, balance: BalanceId, bots: list[BotId]) -> None:
    """Ask, and say what comes."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    client = BridgeClient.at(url, name=name, on_late=_late)
    await client.start()

    async def joins(bot: BotId) -> None:
        caller = Caller(actor, trace=f"{name}-{bot}")
        try:
            page = await client.join(caller, balance, bot, Nonce.mint(datetime.now(UTC)))
        except BridgeError as error:
            _say("answer", caller.trace, error.code)
        else:
            _say("answer", caller.trace, page.affiliation.url)

    await asyncio.gather(*map(joins, bots))
    await stopped.wait()
    await client.close()


async def _late(reply: Reply) -> None:
    shown = reply.result.affiliation.url if isinstance(reply.result, AffiliationPage) else reply.failure
    _say("late", reply.trace, shown)


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    address, own_name, *numbers = sys.argv[1:]
    person, channel, *programs = map(int, numbers)
    asyncio.run(main(address, own_name, person, BalanceId(channel), [BotId(one) for one in programs]))
