"""The account itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telethon.tl import TLObject, TLRequest, functions

from sandbox.mtproto.rpc import MethodTable

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call

methods = MethodTable()


@methods.serves(functions.account.GetPasswordRequest, needs_login=False)
def get_password(call: Call, _: TLRequest) -> TLObject:
    """core.telegram.org/method/account.getPassword: also for those who still owe the password."""
    pending = call.authorization.pending_account_id
    person = call.account if pending is None else call.world.people[pending]
    return call.passwords.describe(person)
