"""Transcripts: the operator looks at everything, decides, and shuts somebody out."""

from collections.abc import AsyncIterator

import pytest

from sandbox.world import Channel
from tests.e2e.starling import OLGA, SAM, Starling, running_starling
from tests.e2e.test_channels import FINDS, opens_the_picker

HEARD_SECONDS = 31
"""After this long every bridge has heard of a ban."""


@pytest.fixture
async def starling() -> AsyncIterator[Starling]:
    """Olga runs it, and looks at channels first."""
    async with running_starling(registration="approval", operator_ids=frozenset({OLGA})) as running:
        running.world.add(Channel(FINDS, "Finds", SAM))
        yield running


async def test_the_operator_sees_accounts_and_what_waits_and_decides_there(starling: Starling) -> None:
    sam, olga = starling.person(SAM), starling.person(OLGA)
    await opens_the_picker(sam)
    await sam.picks(FINDS, sees="looks at new channels first")
    page = await olga.says("/operator", sees="How everything is doing")
    for said in ("1 account", "✅ ready", "served by bridge-1", "No request was given up"):
        assert said in page.text
    assert "1. Finds – from Sam (1003)" in page.text
    await olga.presses("🚫 Refuse 1", sees="Finds is refused")
    await sam.is_shown("has decided not to take Finds")
    await olga.presses("How everything is doing", sees="No channel waits for your word")


async def test_the_operator_bans_a_person_and_lets_them_in_again(starling: Starling) -> None:
    sam, olga = starling.person(SAM), starling.person(OLGA)
    await sam.says("/links", sees="You have no links")
    await olga.says(f"/ban {SAM}", sees="1 person is banned")
    starling.site.clock.move(seconds=HEARD_SECONDS)
    banned = await sam.says("/links", sees="operator")
    assert "You have no links" not in banned.text
    await olga.presses(f"Unban {SAM}", sees="Not banned any more")
    starling.site.clock.move(seconds=HEARD_SECONDS)
    await sam.says("/links", sees="You have no links")


async def test_to_everybody_else_there_is_no_such_page(starling: Starling) -> None:
    sam = starling.person(SAM)
    unknown = await sam.says("/no_such_command", sees="I don’t have that command")
    for said in ("/operator", "/ban", f"/ban {OLGA}", "/unban 5"):
        answered = await sam.says(said, sees="I don’t have that command")
        assert answered.text == unknown.text
    await sam.forges("op:0", sees="I don’t have that command")
