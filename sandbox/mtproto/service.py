"""Service messages: those about messages, sessions and the connection, which are no API methods.

See https://core.telegram.org/mtproto/service_messages
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

from telethon.tl import TLObject, functions, types

from sandbox.mtproto.wire import RPC_RESULT, gzip_if_smaller, serialize

if TYPE_CHECKING:
    from sandbox.mtproto.authorizations import Authorization
    from sandbox.mtproto.session import Session

RECEIVED, UNKNOWN = b"\x04", b"\x01"  # msgs_state_info: "received", "nothing is known of it"
FUTURE_SALTS = 0xAE500895
FUTURE_SALTS_LIMIT = 64

NO_CONTENT = (types.MsgsAck, types.MsgsStateInfo, types.MsgsAllInfo, types.HttpWait)
"""Messages that carry no content of their own, so that their seqno is even and nothing acknowledges them."""

SERVICE = (
    *NO_CONTENT,
    types.MsgsStateReq,
    types.MsgResendReq,
    functions.PingRequest,
    functions.PingDelayDisconnectRequest,
    functions.DestroySessionRequest,
    functions.GetFutureSaltsRequest,
    functions.RpcDropAnswerRequest,
)


def answer(authorization: Authorization, session: Session, msg_id: int, message: TLObject) -> list[bytes]:
    """The numbered messages that answer a service message; most of them bare, not as rpc_result."""
    match message:
        case types.MsgsAck():
            session.acknowledge(message.msg_ids)
            return []
        case functions.PingRequest() | functions.PingDelayDisconnectRequest():
            body = bytes(types.Pong(msg_id, message.ping_id))
        case types.MsgsStateReq() | types.MsgResendReq():
            states = b"".join(RECEIVED if session.has_seen(one) else UNKNOWN for one in message.msg_ids)
            body = bytes(types.MsgsStateInfo(msg_id, states))
        case functions.DestroySessionRequest():
            body = bytes(_destroy_session(authorization, session, message.session_id))
        case functions.GetFutureSaltsRequest():
            body = _future_salts(authorization, msg_id, message.num)
        case functions.RpcDropAnswerRequest():
            return [rpc_result(session, msg_id, bytes(types.RpcAnswerUnknown()))]
        case _:
            return []
    return [session.pack(body, content=False, answer=True)]


def rpc_result(session: Session, request_id: int, body: bytes) -> bytes:
    """The numbered answer to a request, packed when that makes it smaller."""
    head = struct.pack("<Iq", RPC_RESULT, request_id)
    return session.pack(head + gzip_if_smaller(body), content=True, answer=True)


def new_session(authorization: Authorization, session: Session, first_msg_id: int) -> bytes:
    """Tell the client that the server knows nothing of this session from before `first_msg_id`."""
    created = types.NewSessionCreated(first_msg_id, session.id, authorization.salts.current())
    return session.pack(serialize(created), content=True, answer=False)


def _destroy_session(authorization: Authorization, session: Session, session_id: int) -> TLObject:
    """A session cannot destroy itself."""
    if session_id != session.id and authorization.sessions.pop(session_id, None) is not None:
        return types.DestroySessionOk(session_id)
    return types.DestroySessionNone(session_id)


def _future_salts(authorization: Authorization, request_id: int, count: int) -> bytes:
    """A bare vector of bare future_salt, which Telethon's generated class would write boxed."""
    salts = authorization.salts.upcoming(max(1, min(count, FUTURE_SALTS_LIMIT)))
    head = struct.pack("<Iqii", FUTURE_SALTS, request_id, int(time.time()), len(salts))
    return head + b"".join(struct.pack("<iiq", salt.since, salt.until, salt.value) for salt in salts)
