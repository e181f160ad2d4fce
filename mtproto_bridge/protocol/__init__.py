"""The contract between the bot and the bridge: pydantic and the standard library, nothing else."""

from mtproto_bridge.protocol.errors import BridgeError, ErrorCode, Failure
from mtproto_bridge.protocol.ids import Nonce
from mtproto_bridge.protocol.replies import Reply
from mtproto_bridge.protocol.requests import VERSION, Origin, Request

__all__ = ["VERSION", "BridgeError", "ErrorCode", "Failure", "Nonce", "Origin", "Reply", "Request"]
