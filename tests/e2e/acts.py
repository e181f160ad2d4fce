"""What somebody may do in a walk (tests/e2e/anything.py)."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from bot.callbacks import AddChannel
from sandbox.botapi import Message
from tests.e2e.anything import Walk
from tests.e2e.starling import CLUB, SAM


@dataclass(frozen=True)
class By:
    """Somebody does it."""

    who: int

    async def __call__(self, walk: Walk) -> None:
        """Do it; raises one of IMPOSSIBLE where it cannot be done."""
        raise NotImplementedError


@dataclass(frozen=True)
class Say(By):
    """Write something; `{url}` is a link of this world."""

    text: str
    link: int = 0

    async def __call__(self, walk: Walk) -> None:
        person, text = walk.person(self.who), self.text.replace("{url}", walk.link(self.link).url)
        walk.said[person.id].append(text)
        walk.starling.sandbox.botapi.chats.say(person.id, text)
        walk.owed[person.id] += 1


@dataclass(frozen=True)
class Press(By):
    """Press a button of any message, so many times; what was deleted, and what is told so, comes without content."""

    message: int
    button: int
    times: int = 1
    inaccessible: bool = False

    async def __call__(self, walk: Walk) -> None:
        person = walk.person(self.who)
        pressable = [one for one in walk.messages(person.id) if _data(one)]
        if not pressable:
            return
        message = pressable[self.message % len(pressable)]
        chats = walk.starling.sandbox.botapi.chats
        gone = self.inaccessible or message.id in chats.chat(person.id).deleted
        data = self._choose(_data(message), walk.kinds)
        walk.kinds[_kind(data)] += 1
        for _ in range(self.times):
            query = chats.press(person.id, message.id, data, inaccessible=gone)
            walk.pressed.append(query)
            walk.owed[person.id] += 1

    def _choose(self, data: list[str], pressed: Counter[str]) -> str:
        """Rather a kind of button that was pressed less: else pages of lists would be turned most of the time."""
        kinds = sorted({_kind(one) for one in data}, key=lambda kind: (pressed[kind], kind))
        number, first = divmod(self.button, len(kinds))
        number, second = divmod(number, len(kinds))
        chosen = [one for one in data if _kind(one) == kinds[min(first, second)]]
        return chosen[number % len(chosen)]


def _kind(data: str) -> str:
    return data.partition(":")[0]


def _data(message: Message) -> list[str]:
    return [button.callback_data for row in message.buttons for button in row if button.callback_data]


@dataclass(frozen=True)
class Send(By):
    """Send what no button of the message carries."""

    data: str

    async def __call__(self, walk: Walk) -> None:
        person = walk.person(self.who)
        walk.pressed.append(person.sends_data(self.data))
        walk.owed[person.id] += 1


@dataclass(frozen=True)
class SendShown(By):
    """Send what some button carries or carried, of one's own (an app that has not heard of the edit) or another's."""

    of: int
    number: int

    async def __call__(self, walk: Walk) -> None:
        shown = walk.buttons[walk.person(self.of).id]
        if shown:
            await Send(self.who, shown[-1 - self.number % len(shown)])(walk)


@dataclass(frozen=True)
class TypeInline(By):
    """Type the bot's name, and this."""

    text: str

    async def __call__(self, walk: Walk) -> None:
        walk.starling.sandbox.botapi.inline.types(walk.person(self.who).id, self.text)


@dataclass(frozen=True)
class Pick(By):
    """Press Add my channel and choose one in the picker, with an app that adds the bot, or one too old for that."""

    channel: int
    adds_bot: bool = True

    async def __call__(self, walk: Walk) -> None:
        await Send(self.who, AddChannel().pack())(walk)
        await walk.settled()
        person = walk.person(self.who)
        mine = [one for one in walk.starling.world.channels.values() if one.creator_id == person.id]
        chosen = mine[self.channel % len(mine)]
        walk.starling.sandbox.botapi.chats.share_channel(person.id, chosen.id, adds_bot=self.adds_bot)


@dataclass(frozen=True)
class Delete(By):
    """Delete one of the bot's messages."""

    message: int

    async def __call__(self, walk: Walk) -> None:
        chat = walk.starling.sandbox.botapi.chats.chat(walk.person(self.who).id)
        there = [one for one in chat.messages if one.from_bot]
        if there:
            chat.remove(there[-1 - self.message % len(there)])


@dataclass(frozen=True)
class Block(By):
    """Block the bot; with the next word that is taken back."""

    async def __call__(self, walk: Walk) -> None:
        walk.starling.sandbox.botapi.chats.block(walk.person(self.who).id)


@dataclass(frozen=True)
class Right(By):
    """Sam loses his right in Garden Club, or gets it back; what was read of it a minute ago is forgotten."""

    given: bool

    async def __call__(self, walk: Walk) -> None:
        await walk.settled()
        walk.starling.world.set_admin(CLUB, SAM, ["post_messages"] if self.given else [])
        _pass(walk, timedelta(seconds=61))


@dataclass(frozen=True)
class Wait(By):
    """Hours pass."""

    hours: int

    async def __call__(self, walk: Walk) -> None:
        _pass(walk, timedelta(hours=self.hours))


def _pass(walk: Walk, time: timedelta) -> None:
    walk.starling.site.clock.moment += time
    walk.starling.world.clock.move(time)


@dataclass(frozen=True)
class Restart(By):
    """The bot is stopped in good order, whatever goes on, and another one started."""

    async def __call__(self, walk: Walk) -> None:
        await walk.starling.restart_bot()
