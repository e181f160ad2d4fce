"""Channels as their managers see them: with their health; and taking the bridge out of one."""

# ruff: noqa: ARG001 - filled in with the registration of channels

from mtproto_bridge.actions.context import Context, Inside
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.replies import ChannelPage, ChannelRemoved, Channels
from mtproto_bridge.protocol.requests import ListChannels, RemoveChannel, ShowChannel


async def list_channels(context: Inside, _: ListChannels) -> Channels:
    """The actor's channels with their health, and their registrations under way."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


async def show(context: Context, request: ShowChannel) -> ChannelPage:
    """One channel as it is now."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


async def remove(context: Context, request: RemoveChannel) -> ChannelRemoved:
    """Take the bridge out of a channel."""
    raise BridgeError(ErrorCode.UNSUPPORTED)
