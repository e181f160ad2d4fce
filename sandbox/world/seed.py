"""Worlds from files: the demo's, or any that `--world FILE` names."""

import json
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.world import attribution, links, programs
from sandbox.world.clock import Clock
from sandbox.world.model import Bot, Channel, Person, ReferralLink
from sandbox.world.switches import Switches
from sandbox.world.world import World

FIRST_CROWD_ID = 900_000_001
"""Ids of people made up on the spot (referred users) start here."""


class SeededConnection(BaseModel):
    """A balance already connected to a program, with the users and Stars its link has brought."""

    model_config = ConfigDict(extra="forbid")

    balance: int
    account: int
    """Which account connects it: it must control the balance."""
    bot: int
    users: int = 0
    stars_each: int = 0


class WorldFile(BaseModel):
    """What a world file holds (JSON)."""

    model_config = ConfigDict(extra="forbid")

    our_bot: int
    """The id of the bot that Starling runs as; it needs a token."""
    people: list[Person]
    bots: list[Bot]
    channels: list[Channel] = []
    connections: list[SeededConnection] = []
    ending: list[int] = []
    """Bots whose program is in its wind-down."""
    switches: Switches = Switches()


class WorldFileError(Exception):
    """A world file that cannot be used; the text says what to change."""


def load(path: Path | None = None, *, clock: Clock | None = None) -> tuple[World, Bot]:
    """The world in a file (default: the demo's) and the bot Starling runs as in it.

    Raises:
        WorldFileError: the file is missing, no JSON, or says something impossible.
    """
    source = path or files("sandbox") / "worlds" / "demo.json"
    try:
        return build(WorldFile.model_validate(json.loads(source.read_text("utf-8"))), clock=clock)
    except OSError as error:
        raise WorldFileError(f"Cannot read the world file {source}: {error.strerror}.") from error
    except json.JSONDecodeError as error:
        raise WorldFileError(f"The world file {source} is not JSON: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise WorldFileError(f"The world file {source} is wrong at {place}: {first['msg']}.") from error
    except (ValueError, KeyError) as error:
        raise WorldFileError(f"The world file {source} contradicts itself: {error}.") from error


def build(described: WorldFile, *, clock: Clock | None = None) -> tuple[World, Bot]:
    """A running world from its description."""
    world = World(clock=clock or Clock(), switches=described.switches)
    world.add(*described.people, *described.bots, *described.channels)
    our_bot = world.bots[described.our_bot]
    if our_bot.token is None:
        msg = f"our_bot {our_bot.id} has no token"
        raise ValueError(msg)
    began = world.clock.now()
    for seeded in described.connections:
        _connect(world, seeded).date = began  # of one moment, also when a second ends meanwhile
    for bot_id in described.ending:
        programs.update_program(world, world.bots[bot_id].owner_id, bot_id, 0, None)
    return world, our_bot


def _connect(world: World, seeded: SeededConnection) -> ReferralLink:
    link = links.connect(world, seeded.account, seeded.balance, seeded.bot).links[0]
    for _ in range(seeded.users):
        referred_purchase(world, link.bot_id, link.token, seeded.stars_each)
    return link


def referred_purchase(world: World, bot_id: int, token: str, stars: int) -> Person:
    """A new person follows the link, starts the mini app and buys (0 Stars: only starts).

    Raises:
        TelegramError: STARREF_EXPIRED when the link is dead.
    """
    number = FIRST_CROWD_ID
    while number in world.people:
        number += 1
    person = Person(number, f"Referred user {number - FIRST_CROWD_ID + 1}")
    links.by_token(world, bot_id, token)  # refuse before anybody is born
    world.add(person)
    attribution.follow(world, person.id, bot_id, token)
    attribution.start(world, person.id, bot_id)
    if stars:
        attribution.buy(world, person.id, bot_id, stars)
    return person
