"""The tables. Their history is in migrations/versions; change both in one commit."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NOBODY = 0
"""In the place of a person's id: somebody who is forgotten."""

# SQLite counts rows up by itself only for a plain INTEGER key.
RowId = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in and out; SQLite would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To UTC; a naive one is a mistake."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a naive datetime")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002
        """Aware again."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Base(DeclarativeBase):
    """All our tables."""


class Installation(Base):
    """One row, made with the table: who we are."""

    __tablename__ = "installation"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)


class Account(Base):
    """A Telegram account logged in on the bridge."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Its Telegram user id."""
    name: Mapped[str] = mapped_column(String(255))
    username: Mapped[str | None] = mapped_column(String(64))
    session: Mapped[bytes] = mapped_column(LargeBinary)
    """Encrypted (see telegram/sessions.py); without the key file it opens nothing."""
    state: Mapped[str] = mapped_column(String(16), default="ready")
    """One of `accounts.State`."""
    premium: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    may_connect: Mapped[bool | None] = mapped_column(Boolean)
    """`starref_connect_allowed` of its app config; None: not set there, or not read yet."""
    full_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When Telegram last said that it is in too many channels."""
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the three above, and whether it is frozen, were last asked of Telegram."""
    started_bot: Mapped[int | None] = mapped_column(BigInteger)
    """The bot at which it pressed Start: that bot can name it."""
    updates: Mapped[str | None] = mapped_column(Text)
    """Where its updates stand, as JSON (core.telegram.org/api/updates); None: never asked."""


class Peer(Base):
    """An access hash: what lets one account, and no other, address a channel or a bot."""

    __tablename__ = "peer"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    peer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """Marked as Telethon does: channels are negative."""
    access_hash: Mapped[int] = mapped_column(BigInteger)
    username: Mapped[str | None] = mapped_column(String(64))
    name: Mapped[str | None] = mapped_column(String(255))


class Balance(Base):
    """Where commission lands, and the account that serves it."""

    __tablename__ = "balance"
    __table_args__ = (UniqueConstraint("kind", "peer_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    """`channel`, `account` or `bot`."""
    peer_id: Mapped[int] = mapped_column(BigInteger)
    """The bare Telegram id of the channel, account or bot."""
    title: Mapped[str] = mapped_column(String(255))
    username: Mapped[str | None] = mapped_column(String(64))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    listed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its links were last read from Telegram."""
    health: Mapped[str] = mapped_column(String(16), default="ok", server_default="ok")
    """Of a channel: one of `replies.Health`."""
    health_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When Telegram was last asked for it."""
    registered_by: Mapped[int | None] = mapped_column(BigInteger, index=True)
    """The person who brought it; once they are forgotten another manager, NOBODY where there is none.
    None: the operator, by logging in."""
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was registered, or last seen with a live link."""
    idle_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its managers were told that it will be released; None: it is in use."""


class Manager(Base):
    """A person who may act for a balance; Telegram is asked whether that is still so."""

    __tablename__ = "manager"

    balance_id: Mapped[int] = mapped_column(ForeignKey("balance.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, index=True)
    allowed: Mapped[bool] = mapped_column(Boolean, default=False)
    """What Telegram said at `checked_at`; lists may use it for 60 s, acting never does."""
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Program(Base):
    """A program as some account last saw it."""

    __tablename__ = "program"

    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    username: Mapped[str] = mapped_column(String(64), index=True)
    title: Mapped[str] = mapped_column(String(255))
    commission_permille: Mapped[int]
    duration_months: Mapped[int | None]
    end_date: Mapped[datetime | None] = mapped_column(UtcDateTime)
    daily_revenue_nanos: Mapped[int | None] = mapped_column(BigInteger)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Listed(Base):
    """A program's place in Telegram's lists, in one reading of them (a crawl). Some readings are kept side by side.

    What programs are filtered by stands here as it was then: who pages through a reading meets each program once.
    """

    __tablename__ = "listed"

    crawl: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Its moment, in seconds since 1970."""
    bot_id: Mapped[int] = mapped_column(ForeignKey("program.bot_id"), primary_key=True)
    rank_profit: Mapped[int | None]
    """Its place in each of Telegram's orders; None: not in that list."""
    rank_revenue: Mapped[int | None]
    rank_date: Mapped[int | None]
    commission_permille: Mapped[int]
    duration_months: Mapped[int | None]
    words: Mapped[str] = mapped_column(String(400))
    """The app's name and username, for searching: case folded."""


class Affiliation(Base):
    """One link of a balance; a rejoin that brings a new link is a new row."""

    __tablename__ = "affiliation"
    __table_args__ = (UniqueConstraint("balance_id", "url"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    balance_id: Mapped[int] = mapped_column(ForeignKey("balance.id", ondelete="CASCADE"), index=True)
    bot_id: Mapped[int] = mapped_column(BigInteger, index=True)
    bot_username: Mapped[str] = mapped_column(String(64))
    bot_title: Mapped[str] = mapped_column(String(255))
    url: Mapped[str] = mapped_column(String(255))
    date: Mapped[datetime] = mapped_column(UtcDateTime)
    commission_permille: Mapped[int]
    duration_months: Mapped[int | None]
    participants: Mapped[int] = mapped_column(BigInteger)
    revenue: Mapped[int] = mapped_column(BigInteger)
    """Whole Stars."""
    revoked: Mapped[bool] = mapped_column(Boolean, default=False)
    current: Mapped[bool] = mapped_column(Boolean, default=True)
    """Whether it is the newest link of its balance for this program."""
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Audit(Base):
    """Who did what for which balance."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    person_id: Mapped[int] = mapped_column(BigInteger)
    """NOBODY once they are forgotten."""
    action: Mapped[str] = mapped_column(String(32))
    balance_id: Mapped[int] = mapped_column(BigInteger)
    bot_id: Mapped[int] = mapped_column(BigInteger)
    """0 where no program is concerned."""


class Person(Base):
    """Somebody who talks to the bot."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Their Telegram user id."""
    locale: Mapped[str] = mapped_column(String(16))
    """The language they are told things in."""
    name: Mapped[str | None] = mapped_column(String(255))
    """As Telegram last showed them."""
    banned: Mapped[bool] = mapped_column(Boolean, default=False)
    terms_version: Mapped[int | None]
    """Which terms they accepted last (`requests.TERMS_VERSION`); None: none yet."""
    terms_accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Registration(Base):
    """One person's wish to register one channel, and how far it came (`replies.RegistrationState`)."""

    __tablename__ = "registration"
    __table_args__ = (UniqueConstraint("person_id", "channel_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    person_id: Mapped[int] = mapped_column(BigInteger)
    channel_id: Mapped[int] = mapped_column(BigInteger, index=True)
    """The bare Telegram id."""
    title: Mapped[str] = mapped_column(String(255))
    username: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    """Who comes into the channel; None while it waits for the operator."""
    balance_id: Mapped[int | None] = mapped_column(ForeignKey("balance.id", ondelete="CASCADE"))
    origin: Mapped[str | None] = mapped_column(Text)
    """Where its progress is shown, as JSON (`requests.Origin`)."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Watched(Base):
    """A link that a person made in Telegram itself, and has us watch."""

    __tablename__ = "watched"
    __table_args__ = (UniqueConstraint("person_id", "url"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    person_id: Mapped[int] = mapped_column(BigInteger)
    url: Mapped[str] = mapped_column(String(255))
    """As Telegram writes it: https://t.me/<bot>?start=_tgr_…"""
    bot_id: Mapped[int] = mapped_column(BigInteger)
    bot_username: Mapped[str] = mapped_column(String(64))
    bot_title: Mapped[str] = mapped_column(String(255))
    alive: Mapped[bool] = mapped_column(Boolean)
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Outbox(Base):
    """Events that are not in Redis yet, written in the transaction that makes them true."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    """An `events.Event`, as JSON."""
