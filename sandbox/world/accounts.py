"""Accounts in trouble: frozen, banned, deleted.

Follows core.telegram.org/api/auth#frozen-accounts and core.telegram.org/api/errors#401-unauthorized.
"""

from datetime import timedelta

from sandbox.world import channels
from sandbox.world.errors import TelegramError
from sandbox.world.model import Deactivation, Person
from sandbox.world.world import World

APPEAL_TIME = timedelta(days=7)
"""From the freeze to the day on which Telegram would delete the account."""
REFUSALS: dict[Deactivation, str] = {"banned": "USER_DEACTIVATED_BAN", "deleted": "USER_DEACTIVATED"}


def freeze(world: World, person: Person) -> None:
    """From now on the account may read, not act; an account frozen already stays frozen since then."""
    person.frozen_since = person.frozen_since or world.clock.now()


def thaw(person: Person) -> None:
    """The appeal was heard."""
    person.frozen_since = None


def deactivate(world: World, person: Person, how: Deactivation) -> None:
    """Telegram bans the account, or it is deleted; what becomes of its channels is the switch `deactivated_member`."""
    person.deactivated = how
    if world.switches.deactivated_member == "leaves":
        for one in world.channels_of(person.id):
            if one.creator_id != person.id:
                channels.leave(world, person.id, one)


def require_active(person: Person) -> None:
    """Refuse whatever a banned or deleted account asks for.

    Raises:
        TelegramError: 401 USER_DEACTIVATED_BAN or USER_DEACTIVATED.
    """
    if person.deactivated:
        raise TelegramError(401, REFUSALS[person.deactivated])


def require_acting(person: Person) -> None:
    """Refuse what only an account in good standing may do.

    Raises:
        TelegramError: what `require_active` raises; 420 FROZEN_METHOD_INVALID.
    """
    require_active(person)
    if person.frozen_since:
        raise TelegramError(420, "FROZEN_METHOD_INVALID")
