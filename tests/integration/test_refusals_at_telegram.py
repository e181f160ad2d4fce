"""Whatever Telegram refuses with, on whichever call, the bridge answers with a failure and goes on working."""

from collections.abc import AsyncIterator

import pytest

from mtproto_bridge.protocol import ErrorCode
from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.protocol.requests import CheckLink, Payload, ShowAffiliation, ShowProgram
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World
from sandbox.world.faults import Fault
from tests.bridge_fixtures import bridge_site
from tests.integration.pool_fixtures import Office, joining, office_at, revoking
from tests.sandbox_fixtures import ALICE, BOB, QUIZ
from tests.unit.test_refusals import MEANT, OURS

NOT_FAILURES = {("payments.editConnectedStarRefBot", "STARREF_HASH_REVOKED")}
"""Revoked already: a success."""
TAKEN_ANOTHER_WAY = {
    ("contacts.resolveUsername", "STARREF_EXPIRED"),
    ("contacts.resolveUsername", "USERNAME_NOT_OCCUPIED"),
    ("contacts.resolveUsername", "USERNAME_INVALID"),
}
"""A dead link is an answer, and so is that nobody has the name."""


@pytest.fixture
async def office(server: MTProtoServer) -> AsyncIterator[Office]:
    """Bob's account serves Alice's channel."""
    async with bridge_site(server, BOB) as site, office_at(site) as made:
        yield made


@pytest.mark.parametrize(
    "method",
    [
        "payments.getConnectedStarRefBot",
        "payments.connectStarRefBot",
        "payments.editConnectedStarRefBot",
        "users.getFullUser",
        "contacts.resolveUsername",
    ],
)
async def test_each_refusal_of_a_call_is_told_as_what_it_means(office: Office, world: World, method: str) -> None:
    news = await office.balance(ALICE, "News")
    await office.browse(BOB, ALICE)
    page = None
    if method == "payments.editConnectedStarRefBot":
        page = await office.done(BOB, ALICE, joining(news, QUIZ))
    for number, (code, message) in enumerate([*MEANT, *((400, one) for one in OURS)]):
        if {(method, message)} & (NOT_FAILURES | TAKEN_ANOTHER_WAY):
            continue
        asked: dict[str, Payload] = {
            "payments.getConnectedStarRefBot": ShowAffiliation(balance_id=news, bot_id=BotId(QUIZ)),
            "payments.connectStarRefBot": joining(news, QUIZ),
            "users.getFullUser": ShowProgram(bot_id=BotId(QUIZ)),
            "contacts.resolveUsername": CheckLink(url=f"https://t.me/quiz_bot?start=_tgr_token{number}"),
        }
        world.faults.set(Fault("error", method, code=code, message=message))
        failure = await office.failed(BOB, ALICE, revoking(page) if page else asked[method])
        assert failure.code == MEANT.get((code, message), ErrorCode.TELEGRAM), (method, message)
        assert not world.faults.waiting, "the call was made"
        office.site.clock.move(minutes=1)
    await office.done(BOB, ALICE, joining(news, QUIZ))
