"""Registering a channel, step by step; each step is kept, so that whoever asks next goes on from there."""

# ruff: noqa: ARG001 - filled in with the registration of channels

from mtproto_bridge.actions.context import Context, Inside
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.replies import OpenRegistrations, RegistrationPage
from mtproto_bridge.protocol.requests import (
    AdvanceRegistration,
    ListOpenRegistrations,
    ResumeRegistration,
    StartRegistration,
)


async def start(context: Context, request: StartRegistration) -> RegistrationPage:
    """The actor picked a channel."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


async def resume(context: Context, request: ResumeRegistration) -> RegistrationPage:
    """Where a registration stands."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


async def advance(context: Context, request: AdvanceRegistration) -> RegistrationPage:
    """Go as far as the bridge can by itself."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


async def list_open(context: Inside, _: ListOpenRegistrations) -> OpenRegistrations:
    """The registrations under way of everybody."""
    raise BridgeError(ErrorCode.UNSUPPORTED)
