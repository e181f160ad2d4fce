"""Each screen about channels says what a person must know and do next; Telegram would take every one of them."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.callbacks import (
    AddChannel,
    AskRemove,
    BotLeaves,
    ChannelsPage,
    ChooseRemoval,
    ConfirmRemoval,
    ContinueRegistration,
    Decide,
    OpenChannel,
    OpenLink,
    RegisterChannel,
)
from bot.i18n import Texts
from bot.rights import NEEDED, Obstacle, startchannel_link
from bot.screens import Url, alerts, registering
from bot.screens import channels as screens
from bot.screens.layout import ChannelPicker, OwnKeyboard, Screen
from mtproto_bridge.protocol.events import (
    AccountChanged,
    AccountGone,
    Acted,
    ChannelIdle,
    ChannelReleased,
    HealthChanged,
    LinkState,
    Occurrence,
    RegistrationDecided,
    RegistrationWaits,
)
from mtproto_bridge.protocol.ids import AccountId, BalanceId, BotId
from mtproto_bridge.protocol.replies import ChannelRemoved, Health, RegistrationState
from mtproto_bridge.store.accounts import State
from tests.unit import bot_samples as samples
from tests.unit.bot_samples import (
    CHANNEL_ID,
    END,
    NONCE,
    OUR_CHANNEL,
    actions,
    channel,
    channel_page,
    channels,
    checked,
    english,
    labels,
    registration,
    russian,
    words,
)

BOTH = pytest.mark.parametrize("texts", [english, russian], ids=["en", "ru"])
ILL: tuple[Health, ...] = tuple(one for one in get_args(Health) if one != "ok")
LINK = startchannel_link("starling_bot")
GO_ON = ContinueRegistration(registration_id=registration().id)
RECONNECT = RegisterChannel(channel_id=CHANNEL_ID)


# -- the list and one channel ---------------------------------------------------------------------------------


def test_the_list_marks_each_channels_health_and_what_is_not_finished() -> None:
    ill = channel(balance=OUR_CHANNEL.model_copy(update={"id": BalanceId(2), "title": "Club"}), health="unreachable")
    begun = (registration(title="News"), registration(title="Plaza", state="waiting"))
    shown = checked(screens.channels_page(english, channels(channel(links=1), ill, registrations=begun)))
    said = words(shown)
    assert "2 channels" in said
    assert "🟢 Garden\n🔗 1 live link" in said
    assert "🔴 Club\n🔗 2 live links\n⚠️ needs your help" in said
    assert "News: not finished" in said
    assert "Plaza: waits for the operator" in said
    assert labels(shown) == ["Continue: News", "Continue: Plaza", "🟢 Garden", "🔴 Club", "Add my channel"]


def test_hundreds_of_channels_come_in_pages() -> None:
    many = [
        channel(balance=OUR_CHANNEL.model_copy(update={"id": BalanceId(n), "title": f"No {n}"})) for n in range(500)
    ]
    shown = checked(screens.channels_page(english, channels(*many), 62))
    assert "🟢 No 499" in labels(shown)
    assert "63/63" in labels(shown)
    assert ChannelsPage(page=61) in actions(shown)
    assert "63/63" in labels(screens.channels_page(english, channels(*many), 9_999))


@BOTH
def test_without_channels_the_next_step_is_to_add_one(texts: Texts) -> None:
    assert AddChannel() in actions(checked(screens.channels_page(texts, channels())))


@BOTH
@pytest.mark.parametrize("health", ILL)
def test_what_is_wrong_with_a_channel_is_said_with_the_account_to_look_for(texts: Texts, health: Health) -> None:
    shown = checked(screens.channel_page(texts, channel_page(health=health)))
    assert "Vera" in words(shown)
    assert "@vera_bridge" in words(shown)
    assert (RECONNECT in actions(shown)) == (health != "frozen"), "a frozen account heals by itself"


def test_a_lost_right_is_given_back_by_hand_or_by_registering_again() -> None:
    said = words(checked(screens.channel_page(english, channel_page(health="rights_missing"))))
    assert "open Administrators" in said
    assert "“Post messages”" in said


def test_a_healthy_channel_offers_a_look_and_removal_and_no_repair() -> None:
    shown = checked(screens.channel_page(english, channel_page(other_managers=2), page=3))
    assert "2 other managers" in words(shown)
    assert OpenChannel(balance_id=OUR_CHANNEL.id, page=3) in actions(shown)
    assert AskRemove(balance_id=OUR_CHANNEL.id, page=3) in actions(shown)
    assert ChannelsPage(page=3) in actions(shown)
    assert RECONNECT not in actions(shown)
    assert "Vera (" not in words(
        screens.channel_page(english, channel_page(account=samples.ACCOUNT.model_copy(update={"username": None})))
    )


# -- removing -------------------------------------------------------------------------------------------------


@BOTH
def test_a_removal_asks_what_becomes_of_the_links(texts: Texts) -> None:
    shown = checked(screens.ask_removal(texts, channel_page(), 2))
    assert actions(shown) == [
        ChooseRemoval(balance_id=OUR_CHANNEL.id, revoke_links=True),
        ChooseRemoval(balance_id=OUR_CHANNEL.id, revoke_links=False),
        OpenChannel(balance_id=OUR_CHANNEL.id, page=2),
    ]


@pytest.mark.parametrize(
    ("revoke", "said"), [(True, "For a revoked link it promises nothing"), (False, "go on earning for the channel")]
)
def test_the_confirmation_of_a_removal_says_what_will_be_true(revoke: bool, said: str) -> None:
    shown = checked(screens.confirm_removal(english, channel_page(), NONCE, revoke_links=revoke))
    assert said in words(shown)
    assert "my account leaves the channel" in words(shown)
    assert actions(shown)[0] == ConfirmRemoval(balance_id=OUR_CHANNEL.id, revoke_links=revoke, nonce=NONCE)


def test_without_links_a_removal_speaks_of_none() -> None:
    shown = screens.confirm_removal(english, channel_page(links=0), NONCE, revoke_links=False)
    assert "live link" not in words(shown)


def test_a_removal_tells_what_became_of_the_links_also_when_little_is_known() -> None:
    assert "1 link was revoked" in words(checked(screens.removed(english, ChannelRemoved(title="Garden", revoked=1))))
    left = words(checked(screens.removed(english, ChannelRemoved(title="Garden", left_earning=3))))
    assert "3 links go on earning" in left
    assert "the channel is removed" in words(checked(screens.removed(english, ChannelRemoved(title=""))))
    assert screens.removing(english).rows == ()


# -- registering ----------------------------------------------------------------------------------------------


@BOTH
def test_the_picker_is_one_message_that_can_be_forwarded_to_the_owner(texts: Texts) -> None:
    shown = checked(registering.pick(texts, LINK))
    assert isinstance(shown.keyboard, ChannelPicker)
    assert f'href="{LINK.replace("&", "&amp;")}"' in shown.text
    assert isinstance(registering.picked(texts, "Garden").keyboard, OwnKeyboard)
    assert isinstance(registering.not_picked(texts).keyboard, OwnKeyboard)


@pytest.mark.parametrize(
    ("state", "marks"),
    [("picked", "✓⏳··"), ("joined", "✓✓⏳·"), ("promoted", "✓✓✓⏳"), ("verified", "✓✓✓✓")],
)
def test_each_step_is_seen_as_it_happens(state: RegistrationState, marks: str) -> None:
    shown = checked(registering.progress(english, "Garden", state))
    assert "".join(line[0] for line in words(shown).splitlines()[2:]) == marks
    assert shown.rows == ()


@BOTH
def test_when_it_is_ready_the_next_step_is_a_program_and_the_bot_may_leave(texts: Texts) -> None:
    shown = checked(registering.stands(texts, samples.registering(state="verified")))
    assert BotLeaves(balance_id=OUR_CHANNEL.id) in actions(shown)
    assert OpenChannel(balance_id=OUR_CHANNEL.id) in actions(shown)
    assert texts.plain("menu.browse_button") in labels(shown)
    added = registering.stands(texts, samples.registering(state="verified", added=True))
    assert added.text != shown.text


@BOTH
@pytest.mark.parametrize("state", get_args(RegistrationState))
def test_wherever_a_registration_stands_there_is_a_next_step(texts: Texts, state: RegistrationState) -> None:
    assert checked(registering.stands(texts, samples.registering(state=state))).rows


@BOTH
@pytest.mark.parametrize("kept", [True, False])
def test_after_the_bot_has_left_it_says_whether_the_account_kept_its_right(texts: Texts, kept: bool) -> None:
    shown = checked(registering.left(texts, channel_page(health="ok" if kept else "rights_missing")))
    assert "Vera" in words(shown)
    assert (RECONNECT in actions(shown)) != kept


def hindered(texts: Texts, obstacle: Obstacle) -> Screen:
    return checked(registering.hindered(texts, registration(state="joined"), obstacle, LINK))


@BOTH
@pytest.mark.parametrize("kind", ["not_there", "thrown_out", "rights", "unmet", "not_ours"])
def test_every_obstacle_has_its_sentence_and_the_way_on(texts: Texts, kind: Any) -> None:
    shown = hindered(texts, Obstacle(kind, NEEDED if kind == "rights" else ()))
    assert GO_ON in actions(shown)
    assert "✗" in words(shown)
    assert (Url(LINK) in actions(shown)) == (kind in ("not_there", "thrown_out"))


def test_a_missing_right_is_named_and_no_other() -> None:
    said = words(hindered(english, Obstacle("rights", ("promote_members",))))
    assert "“Add new admins”" in said
    assert "Invite users" not in said


def test_who_must_be_promoted_by_hand_is_named() -> None:
    for kind in ("unmet", "not_ours"):
        assert "@vera_bridge" in words(hindered(english, Obstacle(kind)))


# -- alerts ---------------------------------------------------------------------------------------------------

OCCURRENCES: list[Occurrence] = [
    *(Acted(action=action, person_id=7, balance=OUR_CHANNEL) for action in ("register", "join", "revoke", "remove")),
    *(HealthChanged(balance=OUR_CHANNEL, before="ok", health=one, account_name="Vera") for one in get_args(Health)),
    AccountGone(balance=OUR_CHANNEL, account_name="Vera", links=[]),
    ChannelIdle(balance=OUR_CHANNEL, release_at=END),
    ChannelReleased(balance=OUR_CHANNEL),
    *(
        AccountChanged(account_id=AccountId(1), name="Vera", before="ready", state=state)
        for state in (*get_args(State), "frozen", "banned", "never_heard_of")
    ),
    RegistrationWaits(registration=registration(state="waiting")),
    RegistrationDecided(registration=registration(state="refused")),
]


@BOTH
@pytest.mark.parametrize("what", OCCURRENCES, ids=lambda what: what.kind)
def test_every_occurrence_is_a_sentence(texts: Texts, what: Occurrence) -> None:
    shown = alerts.alert(texts, what)
    assert shown is not None
    assert len(words(checked(shown)).split()) >= 4
    assert "None" not in words(shown)


@BOTH
def test_an_account_that_is_being_logged_in_is_called_so(texts: Texts) -> None:
    changed = AccountChanged(account_id=AccountId(1), name="Vera", before="logged_out", state="arriving")
    shown = alerts.alert(texts, changed)
    assert shown is not None
    assert texts.plain("alert.account_arriving") in words(shown)


def test_an_approved_registration_shows_itself_by_going_on() -> None:
    assert alerts.alert(english, RegistrationDecided(registration=registration())) is None


def alerted(what: Occurrence) -> Screen:
    shown = alerts.alert(english, what)
    assert shown is not None
    return checked(shown)


def test_managers_hear_who_did_what_with_a_name_that_breaks_nothing() -> None:
    joined = alerted(
        Acted(
            action="join",
            person_id=7,
            person_name="<b>Nadia</b>\n\u202e",
            balance=OUR_CHANNEL,
            bot_id=BotId(8),
            bot_title="Quiz Night",
        )
    )
    assert words(joined) == "<b>Nadia</b> joined Quiz Night for Garden."
    assert "tg://" not in joined.text
    assert OpenLink(balance_id=OUR_CHANNEL.id, bot_id=BotId(8)) in actions(joined)
    assert words(alerted(Acted(action="remove", person_id=7, balance=OUR_CHANNEL))).startswith("Somebody removed")


def test_a_lost_right_comes_with_the_way_to_give_it_back() -> None:
    shown = alerted(HealthChanged(balance=OUR_CHANNEL, before="ok", health="rights_missing", account_name="Vera"))
    assert "“Post messages”" in words(shown)
    assert RECONNECT in actions(shown)
    healed = alerted(HealthChanged(balance=OUR_CHANNEL, before="unreachable", health="ok", account_name="Vera"))
    assert "all right again" in words(healed)
    assert RECONNECT not in actions(healed)


def test_when_an_account_is_gone_each_links_state_is_said_and_one_button_reconnects() -> None:
    links = [
        LinkState(bot_title="Quiz", alive=True),
        LinkState(bot_title="Farm", alive=False),
        LinkState(bot_title="Chess", alive=None),
    ]
    shown = alerted(AccountGone(balance=OUR_CHANNEL, account_name="Vera", links=links))
    said = words(shown)
    assert "belong to the channel, not to the account" in said
    assert "✓ Quiz: the link works\n✗ Farm: the link is dead\n? Chess: could not be checked now" in said
    assert actions(shown) == [RECONNECT]


def test_the_operator_sees_who_asks_and_decides_with_one_tap() -> None:
    waiting = registration(state="waiting", username="garden")
    shown = alerted(RegistrationWaits(registration=waiting, person_name="Sam"))
    assert "Sam (2001) would like to add the channel Garden" in words(shown)
    assert "@garden" in words(shown)
    assert actions(shown) == [
        Decide(registration_id=waiting.id, approve=True),
        Decide(registration_id=waiting.id, approve=False),
    ]
    assert "approved" in words(checked(alerts.decided(english, registration())))
    assert "refused" in words(checked(alerts.decided(english, registration(state="refused"))))


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_title_or_name_breaks_a_screen(title: str, name: str) -> None:
    balance = OUR_CHANNEL.model_copy(update={"title": title})
    account = samples.ACCOUNT.model_copy(update={"name": name})
    found = channel_page(balance=balance, account=account, health="rights_missing")
    checked(screens.channels_page(english, channels(found.channel, registrations=(registration(title=title),))))
    checked(screens.channel_page(english, found))
    checked(screens.confirm_removal(english, found, NONCE, revoke_links=True))
    checked(registering.progress(english, title))
    checked(registering.left(english, found))
    checked(registering.hindered(english, registration(title=title, account=account), Obstacle("unmet"), LINK))
    alerted(Acted(action="join", person_id=7, person_name=name, balance=balance, bot_title=title))
