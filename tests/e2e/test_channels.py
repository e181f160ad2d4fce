"""Transcripts: from nothing to a channel that earns, what stands in the way, and taking it out again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot import app
from sandbox.world import Channel, channels, pickers
from sandbox.world.faults import Fault
from tests.channel_fixtures import THREE
from tests.e2e.starling import CLUB, DMITRI, GARDENS, NADIA, OLGA, SAM, VERA, Someone, Starling, running_starling

FINDS = 5000009
"""Sam's channel, which nobody has registered."""
READY = "Ready: the channel can earn"


@pytest.fixture
async def starling() -> AsyncIterator[Starling]:
    """The demo's world, where everybody may register channels."""
    async with running_starling(registration="open") as running:
        running.world.add(Channel(FINDS, "Finds", SAM))
        yield running


@pytest.fixture
def sam(starling: Starling) -> Someone:
    """He has a channel, and nobody's account is in it."""
    return starling.person(SAM)


async def opens_the_picker(person: Someone) -> None:
    await person.says("/start", sees="Earn Stars")
    await person.presses("Add my channel", sees="Which channel should earn?")


def rights_of(starling: Starling, channel_id: int, user: int) -> set[str]:
    return set(starling.world.channels[channel_id].rights_of(user))


def is_shut_out(starling: Starling, channel_id: int) -> bool:
    """Whether no invite link to the channel works any more."""
    now = starling.world.clock.now()
    return all(one.is_dead(now) and one.revoked for one in starling.world.channels[channel_id].invites)


async def test_from_nothing_to_a_channel_link(starling: Starling) -> None:
    sam = starling.person(SAM)
    await sam.says("/start", sees="Earn Stars")
    await sam.presses("Browse programs", sees="13 affiliate programs")
    await sam.presses("6. Quiz Night · 30%", sees="@quiz_night_bot")
    await sam.presses("Join", sees="you need a balance that earns")
    question = await sam.presses("Add my channel", sees="Which channel should earn?")
    assert "forward this to the owner" in question.text
    made = await sam.makes_channel("Sam's corner", sees=READY)
    ours = starling.sandbox.our_bot.id
    assert [line[0] for line in sam.screen.text.splitlines()[2:6]] == ["✓"] * 4
    assert rights_of(starling, made, VERA) == {"post_messages"}, "the account may post, and nothing else"
    assert is_shut_out(starling, made)
    assert starling.sandbox.botapi.chats.chat(SAM).reply_keyboard is None
    await sam.presses("Let the bot leave", sees="has kept its right")
    assert not starling.world.channels[made].is_member(ours)
    await sam.presses("Browse programs", sees="13 affiliate programs")
    await sam.presses("6. Quiz Night · 30%", sees="@quiz_night_bot")
    await sam.presses("Join", sees="Join Quiz Night")
    await sam.presses("✅ Join with this balance", sees="You’re in")
    assert [one.balance_id for one in starling.world.links if one.url == sam.url] == [made]
    await starling.follows(sam.url)


async def test_one_tap_is_told_twice_and_done_once(starling: Starling, sam: Someone) -> None:
    """The picker adds the bot: that is an update of its own, beside the shared channel."""
    await opens_the_picker(sam)
    await sam.picks(FINDS, sees=READY)
    await sam.says("/channels", sees="1 channel")
    texts = [one.text for one in starling.sandbox.botapi.chats.chat(SAM).messages if one.from_bot]
    assert sum("Channel picked: Finds" in text for text in texts) == 1
    assert len(starling.world.channels[FINDS].invites) == 1


async def test_the_picker_can_be_left(starling: Starling, sam: Someone) -> None:
    chat = starling.sandbox.botapi.chats.chat(SAM)
    for words in ("Cancel", "/cancel"):
        await opens_the_picker(sam)
        assert chat.reply_keyboard is not None
        await sam.says(words, sees="No channel was added")
        assert chat.reply_keyboard is None


async def test_an_app_too_old_for_the_picker_is_given_the_link(starling: Starling, sam: Someone) -> None:
    await opens_the_picker(sam)
    told = await sam.picks(FINDS, adds_bot=False, sees="your app was too old to add me")
    link = told.button("Add me to the channel").url
    pickers.add_by_link(starling.world, starling.sandbox.our_bot, SAM, FINDS, str(link))
    await sam.is_shown(READY)


async def test_who_adds_the_bot_by_hand_registers_the_channel_too(starling: Starling, sam: Someone) -> None:
    await sam.says("/start", sees="Earn Stars")
    starling.world.set_admin(FINDS, starling.sandbox.our_bot.id, THREE)
    await sam.is_shown(READY)


async def test_who_adds_the_bot_without_ever_having_talked_to_it_is_left_alone(starling: Starling) -> None:
    starling.world.set_admin(FINDS, starling.sandbox.our_bot.id, THREE)
    nadia = starling.person(NADIA)
    await nadia.says("/channels", sees="2 channels")  # what happened before this has been dealt with
    assert not starling.world.channels[FINDS].is_member(VERA)


@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        (("post_messages", "promote_members"), ["Invite users via link"]),
        (("post_messages", "invite_users"), ["Add new admins"]),
        (("invite_users", "promote_members"), ["Post messages"]),
        (("edit_messages",), ["Post messages", "Invite users via link", "Add new admins"]),
    ],
)
async def test_a_missing_right_is_named_and_once_given_it_goes_on_by_itself(
    starling: Starling, sam: Someone, given: tuple[str, ...], lacks: list[str]
) -> None:
    ours = starling.sandbox.our_bot.id
    await sam.says("/start", sees="Earn Stars")
    starling.world.set_admin(FINDS, ours, given)  # type: ignore[arg-type] # rights all of them
    told = await sam.is_shown("I lack this in the channel")
    named = ("Post messages", "Invite users via link", "Add new admins")
    assert [right for right in named if f"“{right}”" in told.text] == lacks
    assert is_shut_out(starling, FINDS)
    starling.world.set_admin(FINDS, ours, THREE)
    await sam.is_shown(READY)


async def test_a_bot_that_was_thrown_out_says_so_and_how_to_bring_it_back(starling: Starling, sam: Someone) -> None:
    await opens_the_picker(sam)
    starling.world.faults.set(Fault("error", "createChatInviteLink", code=502, message="Bad Gateway"))
    await sam.picks(FINDS, sees="There is no answer yet")
    channel = starling.world.channels[FINDS]
    channels.remove(starling.world, SAM, channel, starling.sandbox.our_bot.id)
    told = await sam.presses("Try again", sees="I’m no longer in the channel")
    channel.banned.clear()
    link = str(told.button("Add me to the channel").url)
    pickers.add_by_link(starling.world, starling.sandbox.our_bot, SAM, FINDS, link)
    await sam.is_shown(READY)


async def test_an_account_the_bot_has_never_met_can_be_promoted_by_hand(starling: Starling, sam: Someone) -> None:
    starling.world.faults.set(Fault("error", "messages.sendMessage", code=400, message="PEER_FLOOD", times=9))
    await opens_the_picker(sam)
    told = await sam.picks(FINDS, sees="Telegram doesn’t let me name")
    assert "Vera" in told.text
    starling.world.set_admin(FINDS, VERA, {"post_messages"})
    await sam.presses("Continue", sees=READY)


async def test_an_admin_of_somebody_elses_making_is_given_the_right_by_hand(starling: Starling, sam: Someone) -> None:
    starling.world.set_admin(FINDS, VERA, {"edit_messages"})
    await opens_the_picker(sam)
    await sam.picks(FINDS, sees="Telegram doesn’t let me change what")
    await sam.presses("Continue", sees="Telegram doesn’t let me change what")
    starling.world.set_admin(FINDS, VERA, {"post_messages"})
    await sam.presses("Continue", sees=READY)


async def test_an_account_the_channel_has_banned_is_said_with_the_way_out(starling: Starling, sam: Someone) -> None:
    starling.world.channels[FINDS].banned.add(VERA)
    await opens_the_picker(sam)
    await sam.picks(FINDS, sees="My account could not come into the channel")
    assert is_shut_out(starling, FINDS)
    starling.world.channels[FINDS].banned.clear()
    await sam.presses("Try again", sees=READY)


# -- interrupted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["createChatInviteLink", "promoteChatMember"])
async def test_a_registration_goes_on_by_itself_after_a_restart_of_the_bot(
    starling: Starling, sam: Someone, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "FINISH_WITHIN", timedelta(seconds=0.1))
    monkeypatch.setattr(app, "LAST_WORDS_WITHIN", timedelta(seconds=0.1))
    starling.world.faults.set(Fault("flood_wait", method, seconds=3600))
    await opens_the_picker(sam)
    shown = await sam.picks(FINDS, sees="⏳")
    while starling.world.faults.waiting:  # noqa: ASYNC110 - the sandbox runs in this loop
        await asyncio.sleep(0)
    await starling.restart_bot()
    done = await sam.is_shown(READY)
    assert done.id > shown.id, "in a new message: the old one may have been used for something else"


async def test_a_channel_picked_while_the_bridge_is_away_is_registered_when_it_is_back(
    starling: Starling, sam: Someone
) -> None:
    await opens_the_picker(sam)
    await starling.stop_bridge()
    await sam.picks(FINDS, sees="⏳")
    await starling.start_bridge()
    await sam.is_shown(READY)


async def test_a_second_device_only_looks_on(starling: Starling, sam: Someone) -> None:
    await opens_the_picker(sam)
    starling.world.faults.set(Fault("error", "createChatInviteLink", code=502, message="Bad Gateway"))
    first = await sam.picks(FINDS, sees="There is no answer yet")
    again = await sam.says("/channels", sees="Finds: not finished")
    starling.world.faults.set(Fault("delay", "promoteChatMember", seconds=1))
    sam.taps("Try again", on=first)
    await sam.sees_on(first, "✓ my account is in")
    await sam.presses("Continue: Finds", sees="going on already", on=again)
    await sam.sees_on(first, READY)
    await sam.presses("🔄 Refresh", sees=READY)


# -- with others ----------------------------------------------------------------------------------------------


async def test_a_second_manager_is_simply_added_and_the_first_one_told(starling: Starling) -> None:
    nadia, olga = starling.person(NADIA), starling.person(OLGA)
    await nadia.says("/channels", sees="2 channels")
    starling.world.set_admin(GARDENS, OLGA, THREE)
    await opens_the_picker(olga)
    await olga.picks(GARDENS, sees="you are a manager of this channel here")
    await nadia.is_shown("Olga now manages Quiet Gardens here, too")
    await olga.says("/links", sees="links")


async def test_a_join_and_a_revoke_are_told_to_the_other_managers_in_their_language(
    starling: Starling, nadia: Someone
) -> None:
    dmitri = starling.person(DMITRI)
    await dmitri.says("/channels", sees="1 канал")
    await nadia.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    await nadia.presses("Join", sees="Which balance")
    await nadia.presses("📢 Quiet Gardens", sees="Join Quiz Night")
    await nadia.presses("✅ Join with this balance", sees="You’re in")
    await dmitri.is_shown("Nadia: новая ссылка для канала Quiet Gardens, программа Quiz Night")
    await nadia.presses("Revoke", sees="Revoke the link")
    await nadia.presses("Yes, revoke", sees="Done: the link is revoked")
    await dmitri.is_shown("Nadia: ссылка Quiz Night → Quiet Gardens отозвана")
    await dmitri.presses("Открыть ссылку", sees="Quiz Night")


@pytest.mark.parametrize(
    ("choice", "said", "revoked"),
    [("Revoke my links first", "links were revoked", True), ("Leave them earning", "links go on earning", False)],
)
async def test_a_channel_is_removed_with_its_links_revoked_or_left_earning(
    starling: Starling, nadia: Someone, choice: str, said: str, revoked: bool
) -> None:
    dmitri = starling.person(DMITRI)
    await dmitri.says("/channels", sees="1 канал")
    await nadia.says("/links", sees="7 links")
    await nadia.says("/channels", sees="2 channels")
    await nadia.presses("🟢 Quiet Gardens", sees="Everything is right")
    await nadia.presses("Remove", sees="What should become of")
    await nadia.presses(choice, sees="Remove Quiet Gardens?")
    await nadia.presses("Yes, remove", sees=said)
    assert not starling.world.channels[GARDENS].is_member(VERA)
    states = {one.revoked for one in starling.world.links if one.balance_id == GARDENS}
    assert states == {revoked}
    await dmitri.is_shown("Nadia: канал Quiet Gardens удалён отсюда")
    await nadia.presses("« My channels", sees="1 channel")


async def test_keeping_a_channel_keeps_it(starling: Starling, nadia: Someone) -> None:
    await nadia.says("/links", sees="7 links")
    await nadia.says("/channels", sees="2 channels")
    await nadia.presses("🟢 Quiet Gardens", sees="Everything is right")
    await nadia.presses("Remove", sees="What should become of")
    await nadia.presses("Revoke my links first", sees="Remove Quiet Gardens?")
    await nadia.presses("Keep the channel", sees="Everything is right")
    assert starling.world.channels[GARDENS].is_member(VERA)


async def test_a_lost_right_is_seen_told_and_given_back(starling: Starling, nadia: Someone) -> None:
    dmitri = starling.person(DMITRI)
    await dmitri.says("/channels", sees="1 канал")
    await nadia.says("/channels", sees="2 channels")
    page = nadia.screen
    starling.world.set_admin(GARDENS, VERA, {"edit_messages"})
    nadia.taps("🟢 Quiet Gardens", on=page)
    await nadia.sees_on(page, "has lost its right to post")
    await dmitri.is_shown("Quiet Gardens: нужна ваша помощь")
    starling.world.set_admin(GARDENS, VERA, {"post_messages"})
    nadia.taps("🔄 Check now", on=page)
    await nadia.sees_on(page, "Everything is right")
    await dmitri.is_shown("Quiet Gardens: снова всё в порядке")


async def test_an_account_that_was_removed_comes_back_by_reconnecting(starling: Starling, nadia: Someone) -> None:
    await nadia.says("/channels", sees="2 channels")
    channels.leave(starling.world, VERA, starling.world.channels[CLUB])
    page = nadia.screen
    nadia.taps("🟢 Garden Club (private)", on=page)
    await nadia.sees_on(page, "no longer in the channel")
    await nadia.presses("Reconnect", sees="Which channel should earn?", on=page)
    shown = await nadia.picks(CLUB, sees="✓ picked")
    await nadia.sees_on(shown, "Ready:")
    assert rights_of(starling, CLUB, VERA) == {"post_messages"}


async def test_reconnecting_where_the_bot_still_is_takes_one_tap(starling: Starling, sam: Someone) -> None:
    await opens_the_picker(sam)
    await sam.picks(FINDS, sees=READY)
    channels.remove(starling.world, SAM, starling.world.channels[FINDS], VERA)
    starling.world.channels[FINDS].banned.clear()
    ready = sam.screen
    sam.taps("Open the channel’s page", on=ready)
    await sam.sees_on(ready, "no longer in the channel")
    sam.taps("Reconnect", on=ready)
    await sam.sees_on(ready, "Ready:")


@pytest.mark.parametrize("survive", [True, False])
async def test_whether_the_account_kept_its_right_is_read_after_the_bot_has_left(
    starling: Starling, sam: Someone, survive: bool
) -> None:
    starling.switch(rights_survive_promoter=survive)
    await opens_the_picker(sam)
    await sam.picks(FINDS, sees=READY)
    ready = sam.screen
    sam.taps("Let the bot leave", on=ready)
    await sam.sees_on(ready, "has kept its right" if survive else "has lost what it needs")


async def test_a_link_to_a_channel_opens_it_for_its_managers_only(starling: Starling, nadia: Someone) -> None:
    await nadia.says("/channels", sees="2 channels")
    page = await nadia.presses("🟢 Quiet Gardens", sees="Everything is right")
    number = page.button("Remove").callback_data
    assert number is not None
    balance = int(number.split(":")[1], 36)
    await nadia.says(f"/start b_{balance}", sees="Everything is right")
    sam = starling.person(SAM)
    await sam.says(f"/start b_{balance}", sees="You can’t act for this balance")
    foreign = sam.newest
    await sam.says("/start b_4711", sees="You can’t act for this balance")
    assert sam.newest == foreign


# -- the operator ---------------------------------------------------------------------------------------------


@pytest.fixture
async def approving() -> AsyncIterator[Starling]:
    """Where Olga, the operator, looks at channels first."""
    async with running_starling(registration="approval", operator_ids=frozenset({OLGA})) as running:
        running.world.add(Channel(FINDS, "Finds", SAM))
        yield running


async def test_the_operator_approves_and_it_goes_on_by_itself(approving: Starling) -> None:
    sam, olga = approving.person(SAM), approving.person(OLGA)
    await olga.says("/channels", sees="no channels here yet")
    await opens_the_picker(sam)
    await sam.picks(FINDS, sees="the operator of this bot looks at new channels first")
    await olga.is_shown("Sam (1003) would like to add the channel Finds")
    await olga.presses("✅ Approve", sees="Finds is approved")
    await sam.is_shown(READY)


async def test_the_operator_refuses_and_the_person_is_told(approving: Starling) -> None:
    sam, olga = approving.person(SAM), approving.person(OLGA)
    await olga.says("/start", sees="Earn Stars")
    await opens_the_picker(sam)
    await sam.picks(FINDS, sees="looks at new channels first")
    await olga.is_shown("would like to add the channel Finds")
    await olga.presses("Refuse", sees="Finds is refused")
    await sam.is_shown("has decided not to take Finds")
    assert not approving.world.channels[FINDS].is_member(VERA)


async def test_nobody_else_decides(approving: Starling) -> None:
    sam = approving.person(SAM)
    await opens_the_picker(sam)
    await sam.picks(FINDS, sees="looks at new channels first")
    await sam.forges("rd:1:1", sees="Only the operator of this bot may do that")
    assert not approving.world.channels[FINDS].is_member(VERA)


async def test_where_the_operator_takes_no_channels_it_is_said() -> None:
    async with running_starling(registration="closed") as starling:
        starling.world.add(Channel(FINDS, "Finds", SAM))
        sam = starling.person(SAM)
        await opens_the_picker(sam)
        await sam.picks(FINDS, sees="takes no new channels at present")
