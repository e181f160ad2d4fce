"""One client's socket: its packets in, their answers out."""

from __future__ import annotations

import asyncio
import logging
import struct
from typing import TYPE_CHECKING

from telethon.errors import TypeNotFoundError
from telethon.tl import TLObject, types

from sandbox.journal import Arrival
from sandbox.mtproto import service, transport
from sandbox.mtproto.crypto import DecryptionError, decrypt, encrypt
from sandbox.mtproto.handshake import Handshake, HandshakeError
from sandbox.mtproto.keys import BadInnerDataError
from sandbox.mtproto.rpc import Call, Planned, rpc_error
from sandbox.mtproto.session import ANSWER, BadMessage, Message, Session, unpack_container
from sandbox.mtproto.wire import CONTAINER, GZIP_PACKED, MalformedError, Reader, gunzip, parse, serialize
from sandbox.world.errors import TelegramError, bad_request

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

    from sandbox.mtproto.authorizations import Authorization
    from sandbox.mtproto.crypto import Envelope
    from sandbox.mtproto.server import MTProtoServer
    from sandbox.mtproto.wire import TlValue

log = logging.getLogger(__name__)

AUTH_KEY_NOT_FOUND = -404
PLAIN_HEADER = struct.Struct("<qqi")  # no auth key, message id, length
TOO_SHORT_FOR_A_MESSAGE = 24

BAD_CLIENT = (
    transport.TransportError,
    HandshakeError,
    BadInnerDataError,
    DecryptionError,
    MalformedError,
    TypeNotFoundError,
)
"""What a broken client causes; Telegram closes the connection on it."""


class DropConnection(ConnectionError):  # noqa: N818 - a request to close, not a fault of anybody's
    """A scripted fault wants this connection closed."""


class Connection:
    """Serves one socket until either side closes it."""

    def __init__(self, server: MTProtoServer, number: int, reader: StreamReader, writer: StreamWriter) -> None:
        """`number`: how many the server had accepted by then."""
        self._server = server
        self._number = number
        self._writer = writer
        self._stream = transport.Stream(reader, writer)
        self._framing: transport.Framing = transport.Intermediate()
        self._handshake = Handshake(server.key)
        self._plain_session = Session(0)
        self._authorization: Authorization | None = None
        self.session: Session | None = None
        """The session that wrote here last: where updates would go."""
        self.peer_host: str = writer.get_extra_info("peername")[0]

    async def serve(self) -> None:
        """Read packets until the end; a client's nonsense closes its connection, as at Telegram."""
        try:
            self._framing = await transport.detect(self._stream)
            while True:
                self._receive(await self._framing.read(self._stream))
                await self._writer.drain()
        except (asyncio.IncompleteReadError, ConnectionResetError, BrokenPipeError, DropConnection):
            pass
        except BAD_CLIENT as error:
            log.warning("closing a connection: %s", error)
        except Exception as crash:
            self._server.crashes.append(crash)
            log.exception("serving a connection failed")
        finally:
            self.close()

    def close(self) -> None:
        """Close the socket; what was written still goes out."""
        self._writer.close()

    def abort(self) -> None:
        """Cut the socket off, whatever is still to be written."""
        self._writer.transport.abort()

    @property
    def authorization(self) -> Authorization | None:
        """Whose key this connection speaks under, once it does."""
        return self._authorization

    def push(self, update: TLObject) -> None:
        """Send an update (an `Updates` object) that nobody asked for, unless the session declined updates."""
        if self.session and self.session.subscribed and self._authorization:
            packed = self.session.pack(serialize(update), content=True, answer=False)
            self._send(self._authorization, self.session, [packed])

    def _receive(self, packet: bytes) -> None:
        if len(packet) < TOO_SHORT_FOR_A_MESSAGE:
            raise MalformedError(f"a packet of {len(packet)} bytes")
        if packet[:8] == bytes(8):
            self._receive_plain(packet)
        else:
            self._receive_encrypted(packet)

    def _write(self, packet: bytes) -> None:
        if not self._writer.is_closing():
            self._stream.write(self._framing.frame(packet))

    # -- the handshake --------------------------------------------------------------------------------------

    def _receive_plain(self, packet: bytes) -> None:
        reply = self._handshake.answer(parse(packet[PLAIN_HEADER.size :]))
        if self._handshake.finished:
            self._server.authorizations.add(*self._handshake.finished)
            self._handshake.finished = None
        if reply is not None:
            body = serialize(reply)
            self._write(PLAIN_HEADER.pack(0, self._plain_session.next_msg_id(ANSWER), len(body)) + body)

    # -- encrypted messages ---------------------------------------------------------------------------------

    def _receive_encrypted(self, packet: bytes) -> None:
        authorization = self._server.authorizations.get(struct.unpack_from("<q", packet)[0])
        if authorization is None:
            self._write(struct.pack("<i", AUTH_KEY_NOT_FOUND))
            raise DropConnection
        envelope = decrypt(authorization.key, packet)
        self._server.seen(self, authorization)
        self._authorization = authorization
        session = self.session = authorization.session(envelope.session_id)
        self._send(authorization, session, self._answers(authorization, session, envelope))

    def _answers(self, authorization: Authorization, session: Session, envelope: Envelope) -> list[bytes]:
        message = Message(envelope.msg_id, envelope.seq_no, envelope.body)
        complaint = session.complaint(message.msg_id)
        if complaint:
            return [_notification(session, message, complaint)]
        if not authorization.salts.accepts(envelope.salt):
            return [_bad_salt(session, message, authorization.salts.current())]
        messages = _unpack(message)
        if messages is None:
            return [_notification(session, message, BadMessage.BAD_CONTAINER)]
        out = []
        if not session.announced:
            session.announced = True
            out.append(service.new_session(authorization, session, min(one.msg_id for one in messages)))
        for one in messages:
            out += self._answer(authorization, session, one)
        return out

    def _answer(self, authorization: Authorization, session: Session, message: Message) -> list[bytes]:
        """Answer one message; a repeated one is never carried out again."""
        if not session.is_new(message.msg_id):
            kept = session.kept_answer(message.msg_id)
            return [kept or _acknowledgment(session, message)]
        try:
            request = parse(message.body)
        except TypeNotFoundError as error:
            unknown = bad_request(f"INPUT_METHOD_INVALID_{error.invalid_constructor_id}")
            return [service.rpc_result(session, message.msg_id, serialize(rpc_error(unknown)))]
        if isinstance(request, service.SERVICE):
            if isinstance(request, service.NO_CONTENT) and message.seq_no % 2:
                return [_notification(session, message, BadMessage.SEQ_SHOULD_BE_EVEN)]
            return service.answer(authorization, session, message.msg_id, request)
        if not message.seq_no % 2:
            return [_notification(session, message, BadMessage.SEQ_SHOULD_BE_ODD)]
        return self._call(authorization, session, message, request)

    def _call(self, authorization: Authorization, session: Session, message: Message, request: TLObject) -> list[bytes]:
        call = self._server.call(authorization)
        try:
            planned = self._server.dispatcher.plan(call, request)
        except TelegramError as refusal:
            return [service.rpc_result(session, message.msg_id, serialize(rpc_error(refusal)))]
        session.subscribed = session.subscribed or planned.updates
        arrival = Arrival(self._number, authorization.account_id, planned.name)
        fault = planned.fault
        if fault and fault.kind in ("delay", "drop"):
            self._server.note(arrival, fault.kind)
        if fault and fault.kind == "delay":
            self._server.spawn(self._call_later(authorization, session, message, planned, arrival))
            return [_acknowledgment(session, message)]
        if fault and fault.kind == "drop":
            if fault.after:
                self._run(call, planned, arrival)
            raise DropConnection
        return [self._result(call, session, message, planned, arrival)]

    async def _call_later(
        self, authorization: Authorization, session: Session, message: Message, planned: Planned, arrival: Arrival
    ) -> None:
        """Carry a request out after the delay its fault asks for."""
        await self._server.sleep(planned.fault.seconds if planned.fault else 0)
        call = self._server.call(authorization)
        self._send(authorization, session, [self._result(call, session, message, planned, arrival)])

    def _run(self, call: Call, planned: Planned, arrival: Arrival) -> TlValue:
        value = self._server.dispatcher.run(call, planned)
        outcome = value.error_message if isinstance(value, types.RpcError) else "ok"
        self._server.note(arrival, outcome, call.about)
        return value

    def _result(self, call: Call, session: Session, message: Message, planned: Planned, arrival: Arrival) -> bytes:
        value = self._run(call, planned, arrival)
        packed = service.rpc_result(session, message.msg_id, serialize(value))
        session.keep_answer(message.msg_id, packed)
        return packed

    def _send(self, authorization: Authorization, session: Session, messages: list[bytes]) -> None:
        salt = authorization.salts.current()
        for message in session.bundle(messages):
            self._write(encrypt(authorization.key, salt, session.id, message))


def _unpack(message: Message) -> list[Message] | None:
    """The messages in a packet, each ready to be parsed; None when its container is no good."""
    body = gunzip(Reader(message.body[4:]).tgread_bytes()) if message.body[:4] == GZIP_PACKED else message.body
    if body[:4] != CONTAINER:
        return [message]
    messages = unpack_container(body)
    if not messages or any(one.msg_id >= message.msg_id for one in messages):
        return None
    return messages


def _notification(session: Session, message: Message, code: BadMessage) -> bytes:
    bad = types.BadMsgNotification(message.msg_id, message.seq_no, int(code))
    return session.pack(serialize(bad), content=False, answer=True)


def _bad_salt(session: Session, message: Message, salt: int) -> bytes:
    bad = types.BadServerSalt(message.msg_id, message.seq_no, int(BadMessage.WRONG_SALT), salt)
    return session.pack(serialize(bad), content=False, answer=True)


def _acknowledgment(session: Session, message: Message) -> bytes:
    return session.pack(serialize(types.MsgsAck([message.msg_id])), content=False, answer=True)
