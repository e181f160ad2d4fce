"""Channels in the chat, with a bridge that answers from a script: what is asked, told once, and gone on with."""

from collections.abc import AsyncIterator

import pytest
from aiogram.types import ChatMemberAdministrator, ChatMemberUpdated, Update

from bot import registering as driving
from bot.alerts import Alerts
from bot.callbacks import RegisterChannel
from bot.conversations.adding import Tidings, gives_place
from bot.rights import channel_id, chat_id
from mtproto_bridge.protocol import BridgeError, ErrorCode, Origin, Reply
from mtproto_bridge.protocol.events import Acted, Event, Hearer, Occurrence, RegistrationDecided
from mtproto_bridge.protocol.replies import ChannelRemoved
from sandbox.world import Channel
from sandbox.world.faults import Fault
from tests.channel_fixtures import THREE
from tests.integration.bot_fixtures import ANNA, BORIS, OURS, Stage, stage
from tests.unit.bot_samples import (
    CHANNEL_ID,
    NOW,
    OUR_CHANNEL,
    channel,
    channel_page,
    channels,
    registering,
    registration,
)

DONE = registering(state="verified")


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    async with stage() as made:
        made.world.add(Channel(CHANNEL_ID, "Garden", ANNA))
        made.bridge.answers = {
            "list_channels": channels(channel()),
            "show_channel": channel_page(),
            "start_registration": registering(),
            "resume_registration": registering(state="promoted"),
            "advance_registration": DONE,
        }
        yield made


def event(what: Occurrence, *people: int, id: str = "e1") -> Event:  # noqa: A002 - the field's own name
    hearers = [Hearer(person_id=one, locale="ru" if one == BORIS else "en") for one in people]
    return Event(id=id, at=NOW, hearers=hearers, what=what)


JOINED = Acted(action="join", person_id=7, person_name="Nadia", balance=OUR_CHANNEL, bot_title="Quiz")


def alerts_of(on: Stage) -> Alerts:
    return Alerts(on.app.bot, on.languages, on.app.registering)


# -- the list, a channel, its removal -------------------------------------------------------------------------


async def test_the_list_leads_to_a_channel_and_back(on: Stage) -> None:
    shown = await on.say("/channels")
    assert "🟢 Garden" in shown.text
    assert "Everything is right" in (await on.press("🟢 Garden")).text
    assert on.last_asked("show_channel").about == {"balance": OUR_CHANNEL.id}
    assert (await on.press("« My channels")).id == shown.id


async def test_who_asks_is_named_for_those_who_are_told(on: Stage) -> None:
    await on.say("/channels", person=BORIS)
    origin = on.last_asked("list_channels").caller.origin
    assert origin is not None
    assert (origin.name, origin.locale) == ("Борис", "ru")


@pytest.mark.parametrize(("button", "revoke"), [("Revoke my links first", True), ("Leave them earning", False)])
async def test_a_removal_asks_twice_and_acts_once(on: Stage, button: str, revoke: bool) -> None:
    on.bridge.answers["remove_channel"] = ChannelRemoved(title="Garden")
    await on.say("/channels")
    await on.press("🟢 Garden")
    await on.press("Remove")
    await on.press(button)
    assert not any(asked.what == "remove_channel" for asked in on.bridge.asked)
    await on.press("Yes, remove")
    await on.shows("Garden is removed")
    assert on.last_asked("remove_channel").about["revoke_links"] is revoke


async def test_without_links_there_is_nothing_to_choose(on: Stage) -> None:
    on.bridge.answers["show_channel"] = channel_page(links=0)
    await on.say("/start b_1")
    assert "Yes, remove" in str((await on.press("Remove")).labels)


@pytest.mark.parametrize(
    ("code", "note"),
    [(ErrorCode.CONFIRMATION_EXPIRED, "had expired"), (ErrorCode.CONFIRMATION_CHANGED, "already used")],
)
async def test_an_old_confirmation_is_drawn_anew(on: Stage, code: ErrorCode, note: str) -> None:
    on.bridge.answers["remove_channel"] = BridgeError(code)
    await on.say("/start")
    await on.forge("cz:1:1:AAAAAAAAAAAAAA")
    shown = await on.shows(note)
    assert "Yes, remove" in str(shown.labels)


async def test_a_bot_that_is_out_already_leaves_without_a_word(on: Stage) -> None:
    await on.say("/start")
    assert "kept its right" in (await on.forge("cl:1")).text


async def test_a_bot_whose_account_lost_its_right_stays_to_mend_that(on: Stage) -> None:
    on.world.channels[CHANNEL_ID].members.add(OURS)
    on.bridge.answers["show_channel"] = channel_page(health="rights_missing")
    await on.say("/start")
    assert "“Post messages”" in (await on.forge("cl:1")).text
    assert on.world.channels[CHANNEL_ID].is_member(OURS)


# -- registering ----------------------------------------------------------------------------------------------


async def test_a_registration_that_begins_not_at_all_is_tried_again_without_picking(on: Stage) -> None:
    on.bridge.answers["start_registration"] = [BridgeError(ErrorCode.UNAVAILABLE), DONE]
    await on.say("/start")
    on.world.set_admin(CHANNEL_ID, OURS, THREE)
    await on.shows("nothing was done")
    await on.press("Try again")
    await on.shows("Ready")
    assert on.last_asked("start_registration").about == {"channel": CHANNEL_ID, "title": "Garden", "username": None}


@pytest.mark.parametrize("has_started", [False, True])
async def test_a_pick_acts_when_nothing_came_of_adding_the_bot_just_before(on: Stage, has_started: bool) -> None:
    on.bridge.answers["start_registration"] = [BridgeError(ErrorCode.UNAVAILABLE), DONE] if has_started else DONE
    if has_started:
        await on.say("/start")
    added = Update(update_id=1, my_chat_member=new_place(NOBODY, admin(*THREE)))
    await on.app.dispatcher.feed_update(on.app.bot, added)
    await on.say("/start")
    await on.press("Add my channel")
    on.api.chats.share_channel(ANNA, CHANNEL_ID, adds_bot=False)
    await on.shows("Ready")


async def test_nobody_registers_by_a_forged_button_a_channel_they_do_not_administer(on: Stage) -> None:
    on.world.set_admin(CHANNEL_ID, OURS, THREE)
    await on.say("/start", person=BORIS)
    on.bridge.asked.clear()
    await on.forge(RegisterChannel(channel_id=CHANNEL_ID).pack(), person=BORIS)
    assert not any(asked.what == "start_registration" for asked in on.bridge.asked)
    assert "Какой канал" in on.chat(BORIS).last_from_bot.text


async def test_what_goes_round_in_circles_comes_to_an_end(on: Stage) -> None:
    on.bridge.answers["resume_registration"] = registering(state="promoted")
    on.bridge.answers["advance_registration"] = registering(state="promoted")
    await on.say("/start")
    await on.forge("rg:5")
    await on.shows("I need the right to post in Garden")
    assert len([one for one in on.bridge.asked if one.what == "advance_registration"]) == driving.MOST_STEPS


@pytest.mark.parametrize("kind", ["error", "flood_wait"])
async def test_an_invite_that_cannot_be_revoked_dies_of_age_and_is_in_no_log(
    on: Stage, kind: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    await on.say("/start")
    on.bridge.answers["start_registration"] = registering()
    on.bridge.answers["advance_registration"] = DONE
    fault = Fault(kind, "revokeChatInviteLink", times=2, code=400, message="Bad Request: INVITE_HASH_EXPIRED")  # type: ignore[arg-type] # both are kinds
    on.world.faults.set(fault)
    on.world.set_admin(CHANNEL_ID, OURS, THREE)
    await on.shows("Ready")
    [invite] = on.world.channels[CHANNEL_ID].invites
    assert invite.expires is not None
    assert invite.member_limit == 1
    assert on.last_asked("advance_registration").about["invite"] == invite.url
    assert invite.hash not in caplog.text + capsys.readouterr().out


async def test_the_invite_is_revoked_also_when_the_bridge_fails(on: Stage) -> None:
    await on.say("/start")
    on.bridge.answers["advance_registration"] = BridgeError(ErrorCode.NO_CAPACITY)
    on.world.set_admin(CHANNEL_ID, OURS, THREE)
    await on.shows("All my accounts are full")
    assert [one.revoked for one in on.world.channels[CHANNEL_ID].invites] == [True]


async def test_an_invite_refused_for_another_reason_shows_what_telegram_says(on: Stage) -> None:
    await on.say("/start")
    on.world.faults.set(Fault("error", "createChatInviteLink", code=400, message="Bad Request: INVITES_TOO_MUCH"))
    on.world.set_admin(CHANNEL_ID, OURS, THREE)
    shown = await on.shows("INVITES_TOO_MUCH")
    assert "Try again" in str(shown.labels)


async def test_a_registration_that_is_gone_leads_back_to_the_picker(on: Stage) -> None:
    on.bridge.answers["resume_registration"] = BridgeError(ErrorCode.REGISTRATION_GONE)
    await on.say("/start")
    assert "Add my channel" in str((await on.forge("rg:5")).labels)


async def test_a_registration_that_rests_shows_where_it_rests(on: Stage) -> None:
    on.bridge.answers["resume_registration"] = registering(state="waiting", account=None)
    await on.say("/start")
    assert "looks at new channels first" in (await on.forge("rg:5")).text


# -- by itself ------------------------------------------------------------------------------------------------


async def test_what_was_under_way_goes_on_after_a_start_in_a_message_of_its_own() -> None:
    async with stage() as on:
        on.bridge.answers = {"resume_registration": registering(state="promoted"), "advance_registration": DONE}
        shown = await on.say("/start", person=BORIS)
        place = Origin(chat_id=BORIS, message_id=shown.id, locale="ru")
        on.bridge.open = [
            registration(state="joined", person_id=BORIS, origin=place),
            registration(state="waiting", person_id=ANNA),
        ]
        await on.app.registering.take_up_all(on.bridge)
        told = await on.shows("Готово", person=BORIS)
        assert told.id > shown.id, "the old message may have been used since"
        assert on.last_asked("resume_registration").caller.actor == BORIS
        assert not on.chat(ANNA).messages, "what waits for the operator is left alone"


async def test_the_bot_asks_for_them_until_the_queue_answers(on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving, "PAUSE_SECONDS", 0)
    on.bridge.not_yet = [BridgeError(code) for code in ErrorCode if code is not ErrorCode.UNSUPPORTED]
    on.bridge.open = [registration(person_id=ANNA, state="promoted")]
    await on.say("/start")
    await on.app.registering.take_up_all(on.bridge)
    await on.shows("Ready")
    on.bridge.not_yet = [BridgeError(ErrorCode.UNSUPPORTED)]
    await on.app.registering.take_up_all(on.bridge)
    assert on.bridge.not_yet == []


async def test_a_late_step_of_a_registration_is_gone_on_with(on: Stage) -> None:
    shown = await on.say("/start")
    origin = Origin(chat_id=ANNA, message_id=shown.id)
    late = Reply(request_id="r", actor=ANNA, trace="feed", origin=origin, result=registering(person_id=ANNA))
    await on.app.late.receive(late)
    assert (await on.shows("Ready")).id == shown.id


async def test_a_late_word_of_the_operator_is_shown_to_the_operator(on: Stage) -> None:
    await on.say("/start")
    decided = registering(state="refused", person_id=BORIS)
    await on.app.late.receive(
        Reply(request_id="r", actor=ANNA, trace="feed", origin=Origin(chat_id=ANNA), result=decided)
    )
    await on.shows("Garden is refused")
    assert not on.chat(BORIS).messages


@pytest.mark.parametrize("replayed", [False, True])
async def test_a_late_removal_is_told_also_when_the_message_was_used_since(on: Stage, replayed: bool) -> None:
    shown = await on.say("/channels")
    await on.press("🟢 Garden")
    done = ChannelRemoved(title="Garden", replayed=replayed)
    origin = Origin(chat_id=ANNA, message_id=shown.id)
    await on.app.late.receive(Reply(request_id="r", actor=ANNA, trace="feed", origin=origin, result=done))
    late_list = Reply(request_id="r", actor=ANNA, trace="beef", origin=Origin(chat_id=ANNA), result=channels())
    await on.app.late.receive(late_list)
    await on.shows("no channels here yet")
    told = [one for one in on.chat().messages if "Garden is removed" in one.text]
    assert len(told) == (0 if replayed else 1)


# -- what is told unasked -------------------------------------------------------------------------------------


async def test_an_event_is_told_once_to_each_hearer_in_their_language(on: Stage) -> None:
    await on.say("/start")
    await on.say("/start", person=BORIS)
    alerts = alerts_of(on)
    for _ in range(2):
        await alerts.tell(on.bridge, event(JOINED, ANNA, BORIS))
    assert [one.text for one in on.chat(ANNA).messages].count("Nadia joined Quiz for Garden.") == 1
    assert "новая ссылка" in on.chat(BORIS).last_from_bot.text
    await alerts.tell(on.bridge, event(JOINED, ANNA, id="e2"))
    assert [one.text for one in on.chat(ANNA).messages].count("Nadia joined Quiz for Garden.") == 2


async def test_who_blocked_the_bot_or_never_met_it_keeps_nobody_from_hearing(on: Stage) -> None:
    await on.say("/start")
    on.api.chats.block(ANNA)
    await on.say("/start", person=BORIS)
    await alerts_of(on).tell(on.bridge, event(JOINED, 404, ANNA, BORIS))
    assert "новая ссылка" in on.chat(BORIS).last_from_bot.text


@pytest.mark.parametrize(
    "trouble",
    [
        Fault("error", "sendMessage", times=9, code=502, message="Bad Gateway"),
        Fault("flood_wait", "sendMessage", times=2, seconds=1),
    ],
)
async def test_an_event_comes_again_until_trouble_is_over_to_those_who_did_not_hear_it(
    on: Stage, trouble: Fault
) -> None:
    await on.say("/start")
    await on.say("/start", person=BORIS)
    alerts, twice = alerts_of(on), event(JOINED, ANNA, BORIS)
    on.app.bot.session.middleware.unregister(on.app.bot.session.middleware[0])  # what waits for floods
    on.world.faults.set(trouble)
    tries = 1
    while not await alerts.tell(on.bridge, twice):
        tries += 1
    assert tries > 1
    assert [one.text for one in on.chat().messages].count("Nadia joined Quiz for Garden.") == 1
    assert len([one for one in on.chat(BORIS).messages if "новая ссылка" in one.text]) == 1


async def test_an_approved_registration_goes_on_in_a_message_of_its_own(on: Stage) -> None:
    shown = await on.say("/start")
    origin = Origin(chat_id=ANNA, message_id=shown.id)
    approved = RegistrationDecided(registration=registration(person_id=ANNA, origin=origin))
    await alerts_of(on).tell(on.bridge, event(approved, ANNA))
    assert (await on.shows("Ready")).id > shown.id


async def test_two_drives_of_one_registration_do_not_meet(on: Stage) -> None:
    await on.say("/start")
    on.bridge.go_on.clear()
    one = registration(person_id=ANNA, origin=Origin(chat_id=ANNA))
    on.bridge.answers["resume_registration"] = registering(state="promoted")
    on.app.registering.take_up(on.bridge, one)
    on.app.registering.take_up(on.bridge, one)
    on.bridge.go_on.set()
    await on.shows("Ready")
    assert len([asked for asked in on.bridge.asked if asked.what == "advance_registration"]) == 1


# -- small things ---------------------------------------------------------------------------------------------


def test_of_one_tap_that_is_told_twice_the_second_telling_is_known() -> None:
    tidings = Tidings(lambda: NOW)
    assert not tidings.is_second(1, 2, "added")
    assert tidings.is_second(1, 2, "shared")
    assert not tidings.is_second(1, 2, "shared"), "the pair is complete: this is another tap"
    assert not tidings.is_second(1, 2, "shared"), "the same telling again is another tap"
    tidings.forget(1, 2)
    assert not tidings.is_second(1, 2, "added")
    assert not tidings.is_second(9, 2, "shared")


NOBODY: dict[str, object] = {"status": "left"}
SOME, ALL = THREE[:2], THREE


def admin(*rights: str) -> dict[str, object]:
    fields = ChatMemberAdministrator.model_fields
    none = {name: False for name, field in fields.items() if name.startswith(("can_", "is_")) and field.is_required()}
    return none | {"status": "administrator", "is_anonymous": False} | {f"can_{one}": True for one in rights}


def new_place(before: dict[str, object], after: dict[str, object], kind: str = "channel") -> ChatMemberUpdated:
    us = {"id": OURS, "is_bot": True, "first_name": "Starling"}
    update = {
        "chat": {"id": chat_id(CHANNEL_ID), "type": kind, "title": "Garden"},
        "from": {"id": ANNA, "is_bot": False, "first_name": "Anna"},
        "date": 1,
        "old_chat_member": {"user": us} | before,
        "new_chat_member": {"user": us} | after,
    }
    return ChatMemberUpdated.model_validate(update)


@pytest.mark.parametrize(
    ("before", "after", "kind", "counts"),
    [
        (NOBODY, admin(*ALL), "channel", True),
        (NOBODY, admin(*SOME), "channel", True),
        (admin(*SOME), admin(*ALL), "channel", True),
        (admin(*ALL), admin(*ALL, "edit_messages"), "channel", False),
        (admin(*ALL), admin(*SOME), "channel", False),
        (admin(*ALL), NOBODY, "channel", False),
        (NOBODY, admin(*ALL), "supergroup", False),
    ],
)
def test_only_becoming_an_admin_of_a_channel_or_getting_the_missing_rights_counts(
    before: dict[str, object], after: dict[str, object], kind: str, counts: bool
) -> None:
    assert gives_place(new_place(before, after, kind)) is counts


def test_a_channels_id_goes_both_ways() -> None:
    assert chat_id(CHANNEL_ID) == -1000005000001
    assert channel_id(chat_id(CHANNEL_ID)) == CHANNEL_ID
