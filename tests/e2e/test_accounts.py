"""Transcripts: what people and operators hear when an account of the bridge is lost, and how all of it heals."""

from collections.abc import AsyncIterator

import pytest

from mtproto_bridge.queue import rounds
from sandbox.world import Channel, accounts
from tests.e2e.starling import OLGA, SAM, VERA, Someone, Starling, running_starling

OTTO = 1010
"""Who runs this software."""
FINDS = 5000009
"""Sam's channel."""
QUIZ_NIGHT_ROW = "6. Quiz Night · 30%"


@pytest.fixture
async def starling(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Starling]:
    """Two accounts serve; what is done unasked is done at once."""
    monkeypatch.setattr(rounds, "EVERY", 0.3)
    monkeypatch.setattr(rounds, "BREATH", 0.05)
    async with running_starling(
        log_in=(VERA, OLGA), registration="open", operator_ids=str(OTTO), lease_seconds=2
    ) as running:
        running.world.add(Channel(FINDS, "Finds", SAM))
        yield running


@pytest.fixture
async def otto(starling: Starling) -> Someone:
    """He started the bot once, so that it may write to him."""
    someone = starling.person(OTTO)
    await someone.says("/start", sees="Earn Stars")
    return someone


async def has_a_link(sam: Someone) -> tuple[int, str]:
    """Sam's channel is registered and joins a program; answers the account that came in, and the link."""
    await sam.says("/start", sees="Earn Stars")
    await sam.presses("Add my channel", sees="Which channel should earn?")
    await sam.picks(FINDS, sees="Ready: the channel can earn")
    await sam.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    await sam.presses("Join", sees="Join Quiz Night")
    await sam.presses("✅ Join with this balance", sees="You’re in")
    channel = sam.starling.world.channels[FINDS]
    (account,) = (one for one in (VERA, OLGA) if channel.is_member(one))
    return account, sam.url


async def test_a_banned_accounts_channel_goes_on_through_another(starling: Starling, otto: Someone) -> None:
    sam = starling.person(SAM)
    account, link = await has_a_link(sam)
    page = sam.screen
    accounts.deactivate(starling.world, starling.world.people[account], "banned")
    sam.taps("🔄 Refresh", on=page)
    told = await sam.is_shown("Another account can take over")
    assert "Telegram has closed the account" in told.text
    assert "Quiz Night: the link works" in told.text, "the link belongs to the channel"
    assert "banned or deleted" in (await otto.is_shown("banned or deleted")).text
    await sam.presses("Reconnect", sees="Ready: the channel can earn", on=told)
    (other,) = {VERA, OLGA} - {account}
    assert starling.world.channels[FINDS].rights_of(other) == {"post_messages"}
    sam.taps("Try again", on=page)
    await sam.sees_on(page, link)
    await starling.follows(link)


async def test_a_logged_out_account_is_told_to_the_operator_once_and_a_log_in_heals_all(
    starling: Starling, otto: Someone
) -> None:
    sam = starling.person(SAM)
    account, link = await has_a_link(sam)
    page = sam.screen
    starling.world.end_sessions(account)
    sam.taps("🔄 Refresh", on=page)
    await sam.sees_on(page, "logged out")
    await sam.says("/links", sees="1 link")
    await otto.is_shown("log it in again with")
    await starling.site.log_in(starling.world.people[account], operator_ids=str(OTTO))
    await otto.is_shown("ready again")
    said = [one.text for one in starling.sandbox.botapi.chats.chat(OTTO).messages if "🛠" in one.text]
    assert len(said) == 2, "once when lost, once when back"
    sam.taps("Try again", on=page)
    await sam.sees_on(page, link)
