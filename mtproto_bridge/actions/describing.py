"""What is kept, as it travels."""

from typing import cast

from mtproto_bridge.protocol import Origin
from mtproto_bridge.protocol.ids import AccountId, BalanceId, RegistrationId
from mtproto_bridge.protocol.replies import Account, Balance, BalanceKind, Registration, RegistrationState
from mtproto_bridge.store import tables


def describe(balance: tables.Balance, *, joined: bool = False, may_connect: bool = True) -> Balance:
    """A balance; `joined`: it has a live link for the program it is shown with."""
    return Balance(
        id=BalanceId(balance.id),
        kind=cast("BalanceKind", balance.kind),
        title=balance.title,
        username=balance.username,
        channel_id=balance.peer_id if balance.kind == "channel" else None,
        joined=joined,
        may_connect=may_connect,
    )


def describe_account(account: tables.Account) -> Account:
    """An account, as people may know it."""
    return Account(id=AccountId(account.id), name=account.name, username=account.username)


def describe_registration(row: tables.Registration, account: tables.Account | None) -> Registration:
    """A registration, with the account that comes into the channel."""
    return Registration(
        id=RegistrationId(row.id),
        state=cast("RegistrationState", row.state),
        channel_id=row.channel_id,
        title=row.title,
        username=row.username,
        account=describe_account(account) if account else None,
        balance_id=BalanceId(row.balance_id) if row.balance_id else None,
        person_id=row.person_id,
        origin=Origin.model_validate_json(row.origin) if row.origin else None,
    )
