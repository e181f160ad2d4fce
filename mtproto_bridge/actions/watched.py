"""Links that people made in Telegram itself, and have us watch."""

# ruff: noqa: ARG001 - filled in with the registration of channels

from mtproto_bridge.actions.context import Context, Inside
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.replies import Unwatched, WatchedList, WatchedPage
from mtproto_bridge.protocol.requests import ListWatched, ShowWatched, UnwatchLink, WatchLink


async def watch(context: Context, request: WatchLink) -> WatchedPage:
    """Keep a link, if it is alive."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


async def show(context: Context, request: ShowWatched) -> WatchedPage:
    """One watched link as it is now."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


async def list_watched(context: Inside, request: ListWatched) -> WatchedList:
    """One page of the actor's watched links."""
    raise BridgeError(ErrorCode.UNSUPPORTED)


async def unwatch(context: Inside, request: UnwatchLink) -> Unwatched:
    """Forget a watched link."""
    raise BridgeError(ErrorCode.UNSUPPORTED)
