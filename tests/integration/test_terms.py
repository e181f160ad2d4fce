"""The terms: each person accepts them once, no link is made before; and accounts that Telegram lets join nothing."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from sqlalchemy import update

from mtproto_bridge.protocol import ErrorCode, Reply
from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.protocol.replies import ProgramCard, TermsAccepted
from mtproto_bridge.protocol.requests import TERMS_VERSION, AcceptTerms, Refresh, ShowProgram
from mtproto_bridge.store import accounts, tables
from sandbox.mtproto.server import MTProtoServer
from tests.bridge_fixtures import bridge_site
from tests.integration.pool_fixtures import Office, joining, office_at, revoking
from tests.sandbox_fixtures import ALICE, BOB, CHESS, QUIZ

CONNECT = "payments.connectStarRefBot"


@pytest.fixture
async def office(server: MTProtoServer) -> AsyncIterator[Office]:
    """Alice's channel is served by Bob's account; she has never joined anything, he has."""
    async with bridge_site(server, BOB, newcomers=(ALICE,)) as site, office_at(site) as made:
        await made.browse(BOB, ALICE)
        yield made


async def accept(office: Office, person: int, version: int = TERMS_VERSION) -> None:
    outcome = await office.handle(BOB, person, AcceptTerms(version=version))
    assert isinstance(outcome, Reply)
    assert isinstance(outcome.result, TermsAccepted), outcome


async def card(office: Office, person: int) -> ProgramCard:
    """A program's card with the person's balances, of which Telegram was just asked."""
    await office.handle(BOB, person, Refresh())
    outcome = await office.handle(BOB, person, ShowProgram(bot_id=BotId(QUIZ)))
    assert isinstance(outcome, Reply)
    assert isinstance(outcome.result, ProgramCard), outcome
    return outcome.result


async def accepted(office: Office, person: int) -> tuple[int | None, datetime | None]:
    """What the store says: which terms, and when."""
    async with office.store.begin() as session:
        row = await session.get(tables.Person, person)
        return (row.terms_version, row.terms_accepted_at) if row else (None, None)


async def allow(office: Office, allowed: bool | None) -> None:
    """What Telegram said of Bob's account."""
    async with office.store.begin() as session:
        now = office.site.clock.now()
        await accounts.note_allowed(session, AccountId(BOB), premium=False, may_connect=allowed, at=now)


async def test_who_has_not_accepted_the_terms_joins_nothing(office: Office, server: MTProtoServer) -> None:
    news = await office.balance(ALICE, "News")
    assert not (await card(office, ALICE)).terms_accepted
    assert (await office.failed(BOB, ALICE, joining(news, QUIZ))).code == ErrorCode.TERMS_NOT_ACCEPTED
    assert not server.calls[CONNECT]
    assert await office.audit() == []


async def test_who_has_accepted_them_joins_with_every_balance(office: Office) -> None:
    await accept(office, ALICE)
    assert (await card(office, ALICE)).terms_accepted
    news = await office.balance(ALICE, "News")
    for bot in (QUIZ, CHESS):
        assert (await office.done(BOB, ALICE, joining(news, bot))).changed


async def test_the_time_is_that_of_the_first_acceptance(office: Office) -> None:
    at = office.site.clock.now()
    await accept(office, ALICE)
    office.site.clock.move(hours=1)
    await accept(office, ALICE)
    assert await accepted(office, ALICE) == (TERMS_VERSION, at)


async def test_one_persons_acceptance_is_nobody_elses(office: Office) -> None:
    await accept(office, BOB)
    assert not (await card(office, ALICE)).terms_accepted
    assert await accepted(office, ALICE) == (None, None)


async def test_terms_that_changed_are_asked_again(office: Office) -> None:
    news = await office.balance(BOB, "News")
    async with office.store.begin() as session:
        await session.execute(
            update(tables.Person).where(tables.Person.id == BOB).values(terms_version=TERMS_VERSION - 1)
        )
    assert not (await card(office, BOB)).terms_accepted
    assert (await office.failed(BOB, BOB, joining(news, QUIZ))).code == ErrorCode.TERMS_NOT_ACCEPTED
    office.site.clock.move(hours=1)
    await accept(office, BOB)
    assert await accepted(office, BOB) == (TERMS_VERSION, office.site.clock.now())
    assert (await office.done(BOB, BOB, joining(news, QUIZ))).changed


@pytest.mark.parametrize("version", [TERMS_VERSION - 1, TERMS_VERSION + 1])
async def test_other_terms_than_todays_count_for_nothing(office: Office, version: int) -> None:
    await accept(office, ALICE, version)
    assert await accepted(office, ALICE) == (None, None)


async def test_a_link_that_is_there_is_told_without_them_and_rejoining_needs_them(office: Office) -> None:
    """Telegram's own app made it, or it was made before there were terms here."""
    news = await office.balance(ALICE, "News")
    await accept(office, ALICE)
    made = await office.done(BOB, ALICE, joining(news, QUIZ))
    async with office.store.begin() as session:
        await session.execute(update(tables.Person).where(tables.Person.id == ALICE).values(terms_version=None))
    again = await office.done(BOB, ALICE, joining(news, QUIZ))
    assert (again.changed, again.affiliation.url) == (False, made.affiliation.url)
    await office.done(BOB, ALICE, revoking(made))
    assert (await office.failed(BOB, ALICE, joining(news, QUIZ))).code == ErrorCode.TERMS_NOT_ACCEPTED


@pytest.mark.parametrize("allowed", [None, True])
async def test_an_account_of_which_telegram_said_nothing_bad_may_join(office: Office, allowed: bool | None) -> None:
    await allow(office, allowed)
    await accept(office, ALICE)
    assert [one.may_connect for one in (await card(office, ALICE)).balances] == [True]
    assert (await office.done(BOB, ALICE, joining(await office.balance(ALICE, "News"), QUIZ))).changed


async def test_what_an_account_serves_that_may_not_join_is_marked_and_refused(
    office: Office, server: MTProtoServer
) -> None:
    await allow(office, False)
    await accept(office, ALICE)
    assert [one.may_connect for one in (await card(office, ALICE)).balances] == [False]
    refused = await office.failed(BOB, ALICE, joining(await office.balance(ALICE, "News"), QUIZ))
    assert (refused.code, refused.balance_title) == (ErrorCode.CONNECT_NOT_ALLOWED, "News")
    assert not server.calls[CONNECT]
