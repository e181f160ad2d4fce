"""/privacy and /delete_me in the chat: nothing before the confirmation, once after it, and nothing kept here."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiogram.fsm.storage.base import StorageKey
from aiogram.fsm.storage.memory import MemoryStorage
from redis.exceptions import ConnectionError as RedisConnectionError

from mtproto_bridge.protocol import BridgeError, ErrorCode, Nonce, Origin, Reply
from mtproto_bridge.protocol.replies import Forgotten
from sandbox.botapi.about_bot import shown_commands
from tests.integration.bot_fixtures import ANNA, OURS, Stage, stage
from tests.unit.bot_samples import NOW, translations


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    async with stage() as made:
        made.bridge.answers = {"forget_me": Forgotten(left=1, kept=2)}
        yield made


async def keeps_something(on: Stage) -> None:
    """Anna chose Russian, and was asked for words to search for."""
    await on.say("/language")
    await on.press("Русский")
    await on.say("/start")
    key = StorageKey(bot_id=OURS, chat_id=ANNA, user_id=ANNA)
    await on.languages.storage.set_data(key, {"within": "pp:0"})


def kept(on: Stage) -> list[object]:
    storage = on.languages.storage
    assert isinstance(storage, MemoryStorage)
    return [one for one in storage.storage.values() if one.data or one.state]


async def test_privacy_says_what_is_kept_and_leads_to_erasing_it(on: Stage) -> None:
    shown = await on.say("/privacy")
    for said in ("What I keep about you", "/delete_me", "a day", "Who sees it", "without saying who"):
        assert said in shown.text
    await on.press("Erase what you keep about me")
    await on.shows("Erase everything I keep about you?")
    assert not on.bridge.asked


async def test_nothing_is_erased_before_the_confirmation_and_keeping_keeps(on: Stage) -> None:
    shown = await on.say("/delete_me")
    for promise in ("go on earning", "stay with them", "my account leaves it", "cannot be undone"):
        assert promise in shown.text
    await on.press("Keep everything")
    await on.shows("Earn Stars")
    assert not on.bridge.asked


async def test_the_confirmation_erases_on_both_sides_and_says_what_became_of_the_channels(on: Stage) -> None:
    await keeps_something(on)
    assert kept(on)
    await on.say("/delete_me")
    await on.press("Да, стереть")
    shown = await on.shows("Стёрто")
    assert "1 канал, которым здесь больше никто не управляет" in shown.text
    assert "2 канала остаются" in shown.text
    assert not shown.labels
    assert kept(on) == []
    assert "Earn Stars" in (await on.say("/start")).text
    english = translations.texts("en").plain("command.start")
    assert shown_commands(on.api.face, ANNA)[0]["description"] == english


async def test_the_request_carries_the_buttons_nonce_and_no_name(on: Stage) -> None:
    await on.say("/delete_me")
    await on.press("Yes, erase it")
    await on.shows("Erased")
    asked = on.last_asked("forget_me")
    assert Nonce.minted_at(str(asked.about["nonce"])) == NOW
    assert asked.caller.actor == ANNA
    assert asked.caller.origin
    assert asked.caller.origin.name is None


async def test_who_is_banned_is_told_that_the_ban_stays(on: Stage) -> None:
    on.bridge.answers["forget_me"] = Forgotten(still_banned=True)
    await on.say("/delete_me")
    await on.press("Yes, erase it")
    assert "ban stays" in (await on.shows("Erased")).text


async def test_an_old_button_erases_nothing_more_and_says_so(on: Stage) -> None:
    on.bridge.answers["forget_me"] = Forgotten(replayed=True)
    await on.say("/delete_me")
    await on.press("Yes, erase it")
    await on.shows("This button has done its work")


async def test_an_expired_confirmation_is_drawn_anew(on: Stage) -> None:
    on.bridge.answers["forget_me"] = [BridgeError(ErrorCode.CONFIRMATION_EXPIRED), Forgotten()]
    await keeps_something(on)
    await on.say("/start")
    old = Nonce.mint(NOW - timedelta(days=2))
    await on.forge(f"fc:{old}")
    await on.shows("Это подтверждение устарело")
    await on.press("Да, стереть")
    await on.shows("Erased")


async def test_nothing_is_kept_here_when_the_bridge_is_asked(on: Stage) -> None:
    """Whether the bot or Redis fails after that, there is nothing left to erase."""
    on.bridge.answers["forget_me"] = [BridgeError(ErrorCode.UNAVAILABLE), Forgotten()]
    await on.say("/language")
    await on.press("Русский")
    await on.say("/delete_me")
    await on.press("Да, стереть")
    await on.shows("ничего не")
    assert kept(on) == []
    await on.press("Повторить")
    await on.shows("Erased")


async def test_the_bridge_is_not_asked_while_nothing_can_be_erased_here(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def out_of_reach(_: StorageKey, __: object) -> None:
        raise RedisConnectionError

    await on.say("/delete_me")
    monkeypatch.setattr(on.languages.storage, "set_data", out_of_reach)
    await on.press("Yes, erase it")
    await on.shows("try again")
    assert not on.bridge.asked


async def test_a_late_answer_is_shown_and_erases_nothing_that_came_since(on: Stage) -> None:
    await keeps_something(on)
    reply = Reply(request_id="r", actor=ANNA, trace="t", origin=Origin(chat_id=ANNA, locale="ru"), result=Forgotten())
    await on.app.late.receive(reply)
    await on.shows("Стёрто")
    assert kept(on)
