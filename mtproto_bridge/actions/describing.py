"""What is kept, as it travels."""

from datetime import datetime
from typing import Literal, cast

from mtproto_bridge.protocol import Origin
from mtproto_bridge.protocol.ids import AccountId, AffiliationId, BalanceId, BotId, RegistrationId
from mtproto_bridge.protocol.replies import Account, Affiliation, Balance, BalanceKind, Registration, RegistrationState
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


def describe_link(
    link: tables.Affiliation,
    balance: tables.Balance,
    end_date: datetime | None,
    now: datetime | None,
    *,
    url: str | None = None,
) -> Affiliation:
    """A link of a balance; `end_date` is its program's, and `url` is for those who may see it at this moment.

    `now` decides whether the program has ended; None: it has not, Telegram shows it at this moment.
    """
    return Affiliation(
        id=AffiliationId(link.id),
        balance=describe(balance, joined=not link.revoked),
        bot_id=BotId(link.bot_id),
        bot_username=link.bot_username,
        bot_title=link.bot_title,
        url=url,
        date=link.date,
        commission_permille=link.commission_permille,
        duration_months=link.duration_months,
        participants=link.participants,
        revenue=link.revenue,
        revoked=link.revoked,
        program_state=_program_state(link, end_date, now),
        end_date=end_date,
    )


def _program_state(
    link: tables.Affiliation, end_date: datetime | None, now: datetime | None
) -> Literal["active", "closing", "ended"]:
    """Of the program the link was made for: an app may have opened another one after that."""
    if end_date is None or end_date <= link.date:
        return "active"
    return "ended" if now and end_date <= now else "closing"


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
