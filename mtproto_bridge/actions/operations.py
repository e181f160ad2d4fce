"""What operators see and decide."""

# ruff: noqa: ARG001 - filled in with the registration of channels

from mtproto_bridge.actions.context import Inside
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.replies import Operations, RegistrationPage
from mtproto_bridge.protocol.requests import BanPerson, DecideRegistration, ShowOperations


async def show(context: Inside, _: ShowOperations) -> Operations:
    """How everything is doing."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


async def decide(context: Inside, request: DecideRegistration) -> RegistrationPage:
    """Approve or refuse a registration."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


async def ban(context: Inside, request: BanPerson) -> Operations:
    """Let a person use the service no more, or again."""
    raise BridgeError(ErrorCode.UNSUPPORTED)
