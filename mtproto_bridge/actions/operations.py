"""What operators see and decide."""

from mtproto_bridge.actions import registrations as registering
from mtproto_bridge.actions.context import Inside, Lane
from mtproto_bridge.actions.describing import describe_registration
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.replies import OperatedAccount, Operations, RegistrationPage
from mtproto_bridge.protocol.requests import BanPerson, DecideRegistration, ShowOperations
from mtproto_bridge.store import accounts, people, registrations
from mtproto_bridge.store.accounts import ListedAccount

MOST_SHOWN = 5
"""Registrations that wait for a word, shown at once."""


async def show(context: Inside, _: ShowOperations) -> Operations:
    """How everything is doing.

    Raises:
        BridgeError: not_an_operator.
    """
    _must_be_operator(context)
    return await _operations(context)


async def decide(context: Inside, request: DecideRegistration) -> RegistrationPage:
    """Approve or refuse a registration; who asked is told.

    Raises:
        BridgeError: not_an_operator, registration_gone, no_capacity.
    """
    _must_be_operator(context)
    return await registering.decide(context, request.registration_id, approve=request.approve)


async def ban(context: Inside, request: BanPerson) -> Operations:
    """Let a person use the service no more, or again; every bridge hears of it within half a minute.

    Raises:
        BridgeError: not_an_operator.
    """
    _must_be_operator(context)
    async with context.store.begin() as session:
        await people.ban(session, request.person_id, banned=request.banned)
    context.shared.people.forget(request.person_id)
    return await _operations(context)


def _must_be_operator(context: Inside) -> None:
    """Refuse everybody else.

    Raises:
        BridgeError: not_an_operator.
    """
    if context.actor not in context.shared.rules.operators:
        raise BridgeError(ErrorCode.NOT_AN_OPERATOR)


async def _operations(context: Inside) -> Operations:
    async with context.store.begin() as session:
        listed = await accounts.shown(session)
        waiting, total = await registrations.waiting(session, MOST_SHOWN)
        known, banned = await people.count(session), await people.banned(session)
    lanes = await context.shared.desk.lanes([one.id for one in listed])
    return Operations(
        accounts=[_account(one, lanes.get(one.id, Lane())) for one in listed],
        dead_letters=await context.shared.desk.dead_letters(),
        registrations=[describe_registration(one, None) for one in waiting],
        registrations_waiting=total,
        people=known,
        banned=banned,
    )


def _account(one: ListedAccount, lane: Lane) -> OperatedAccount:
    return OperatedAccount(
        id=one.id,
        name=one.name,
        username=one.username,
        state=one.state,
        served_by=lane.served_by,
        waiting=lane.waiting,
        flooded_until=max(lane.floods.values(), default=None),
        channels=one.channels,
        free=one.free,
    )
