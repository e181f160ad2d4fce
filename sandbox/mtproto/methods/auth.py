"""Logging in and out (core.telegram.org/api/auth)."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING

from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto import objects
from sandbox.mtproto.rpc import MethodTable
from sandbox.world.errors import TelegramError, bad_request

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call
    from sandbox.world.model import Person

methods = MethodTable()


@methods.serves(functions.auth.SendCodeRequest, needs_login=False)
def send_code(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/auth.sendCode: the code is the World's `login_code` of that person."""
    if (request.api_id, request.api_hash) != (call.world.api_id, call.world.api_hash):
        raise bad_request("API_ID_INVALID")
    person = _person(call, request.phone_number)
    return types.auth.SentCode(types.auth.SentCodeTypeApp(len(person.login_code)), _code_hash(call, person))


@methods.serves(functions.auth.SignInRequest, needs_login=False)
def sign_in(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/auth.signIn."""
    person = _person(call, request.phone_number)
    if not request.phone_code:
        raise bad_request("PHONE_CODE_EMPTY")
    if request.phone_code_hash != _code_hash(call, person):
        raise bad_request("PHONE_CODE_EXPIRED")
    if request.phone_code != person.login_code:
        raise bad_request("PHONE_CODE_INVALID")
    if person.password is not None:
        call.authorization.pending_account_id = person.id
        raise TelegramError(401, "SESSION_PASSWORD_NEEDED")
    return _authorize(call, person)


@methods.serves(functions.auth.CheckPasswordRequest, needs_login=False)
def check_password(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/auth.checkPassword."""
    pending = call.authorization.pending_account_id
    person = call.account if pending is None else call.world.people[pending]
    call.passwords.check(person, request.password)
    return _authorize(call, person)


@methods.serves(functions.auth.LogOutRequest)
def log_out(call: Call, _: TLRequest) -> TLObject:
    """core.telegram.org/method/auth.logOut."""
    call.authorization.log_out()
    return types.auth.LoggedOut()


def _person(call: Call, phone: str) -> Person:
    """Whose number it is. A number nobody has is refused: the sandbox has no signing up."""
    person = call.world.by_phone(phone)
    if person is None:
        raise bad_request("PHONE_NUMBER_INVALID")
    if person.deactivated:
        raise bad_request("PHONE_NUMBER_BANNED")
    return person


def _code_hash(call: Call, person: Person) -> str:
    """Binds a code to the key that asked for it: another client's hash is refused."""
    key = call.authorization.key.data
    return hmac.new(key, f"code of {person.id}".encode(), sha256).hexdigest()[:18]


def _authorize(call: Call, person: Person) -> TLObject:
    call.authorization.log_in(person.id)
    return types.auth.Authorization(objects.user(call.world, person.id, person))
