"""Forgetting a person: everything that is held of them, in one transaction."""

from mtproto_bridge.actions.context import Inside
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.replies import Forgotten
from mtproto_bridge.protocol.requests import ForgetPerson
from mtproto_bridge.store import forgetting


async def forget(context: Inside, _: ForgetPerson) -> Forgotten:
    """Erase what is held of the actor. Channels that nobody else manages are left by a chore.

    Raises:
        BridgeError: deadline_passed; unavailable, when requests that were given up cannot be dropped now.
    """
    person = context.actor
    async with context.store.begin() as session:
        if context.late:  # it was begun before: done whole, or not at all
            if not await forgetting.is_forgotten(session, person):
                raise BridgeError(ErrorCode.DEADLINE_PASSED)
            return Forgotten()
        erased = await forgetting.forget(session, person)
    context.shared.people.forget(person)
    await context.shared.desk.drop_letters(person)
    return Forgotten(left=erased.left, kept=erased.kept, still_banned=erased.still_banned)
