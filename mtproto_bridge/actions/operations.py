"""What operators see and decide."""

# ruff: noqa: ARG001 - filled in with the registration of channels

from mtproto_bridge.actions import registrations
from mtproto_bridge.actions.context import Inside
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.replies import Operations, RegistrationPage
from mtproto_bridge.protocol.requests import BanPerson, DecideRegistration, ShowOperations


async def show(context: Inside, _: ShowOperations) -> Operations:
    """How everything is doing."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


async def decide(context: Inside, request: DecideRegistration) -> RegistrationPage:
    """Approve or refuse a registration; who asked is told.

    Raises:
        BridgeError: not_an_operator, registration_gone, no_capacity.
    """
    _must_be_operator(context)
    return await registrations.decide(context, request.registration_id, approve=request.approve)


async def ban(context: Inside, request: BanPerson) -> Operations:
    """Let a person use the service no more, or again."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


def _must_be_operator(context: Inside) -> None:
    """Refuse everybody else.

    Raises:
        BridgeError: not_an_operator.
    """
    if context.actor not in context.shared.rules.operators:
        raise BridgeError(ErrorCode.NOT_AN_OPERATOR)
