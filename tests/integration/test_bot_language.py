"""A chosen language holds at once and everywhere: screens, alerts, late answers, registrations, the menu."""

from collections.abc import AsyncIterator

import pytest
from aiogram.fsm.storage.memory import MemoryStorage
from aiogram.types import BotCommand, BotCommandScopeChat, User
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.alerts import Alerts
from bot.languages import Languages
from bot.menus import COMMANDS
from bot.screens.language import COLUMNS
from mtproto_bridge.protocol import ErrorCode, Failure, Origin, Reply
from mtproto_bridge.protocol.events import Acted, Event, Hearer
from sandbox.botapi.about_bot import shown_commands
from sandbox.world.faults import Fault
from tests.integration import test_bot_process as processes
from tests.integration.bot_fixtures import ANNA, BORIS, OURS, Stage, running, stage
from tests.integration.test_bot_process import Site
from tests.unit.bot_samples import NOW, OUR_CHANNEL, page, registering, registration, translations

site = processes.site


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    async with stage() as made:
        yield made


def first_command(on: Stage, person: int) -> str:
    return str(shown_commands(on.api.face, person)[0]["description"])


async def chooses(on: Stage, button: str, sees: str, *, person: int = ANNA) -> None:
    await on.say("/language", person=person)
    await on.press(button, person=person)
    await on.shows(sees, person=person)


async def test_the_languages_are_listed_in_their_own_words_with_the_present_one(on: Stage) -> None:
    shown = await on.say("/language", person=BORIS)
    names = [translations.texts(tag).language for tag in translations.languages]
    assert "Язык: Русский" in shown.text
    assert [label for row in shown.labels for label in row] == [*names, "✓ Как в Telegram"]
    assert all(len(row) <= COLUMNS for row in shown.labels)


async def test_the_answer_to_a_choice_is_in_the_new_language_and_so_is_all_that_follows(on: Stage) -> None:
    await chooses(on, "Русский", "Теперь язык – Русский")
    assert "✓ Русский" in str(on.chat().last_from_bot.labels)
    assert "Зарабатывайте" in (await on.say("/start")).text
    await chooses(on, "Как в Telegram", "From now on I write in English")
    assert "Earn Stars" in (await on.say("/start")).text


async def test_leaving_a_question_does_not_undo_the_choice(on: Stage) -> None:
    await chooses(on, "Русский", "Теперь язык")
    await on.say("/join")
    await on.say("/cancel")
    assert "Зарабатывайте" in (await on.say("/start")).text


async def test_the_menu_follows_and_goes_back_with_the_choice(on: Stage) -> None:
    assert first_command(on, ANNA) == translations.texts("en").plain("command.start")
    await chooses(on, "Русский", "Теперь язык")
    await on.say("/start")  # the menu was dealt with before
    assert first_command(on, ANNA) == translations.texts("ru").plain("command.start")
    assert len(shown_commands(on.api.face, ANNA)) == len(COMMANDS)
    await chooses(on, "Как в Telegram", "From now on")
    await on.say("/start")
    assert first_command(on, ANNA) == translations.texts("en").plain("command.start")


async def test_a_menu_of_an_earlier_version_is_renewed_by_start(on: Stage) -> None:
    await chooses(on, "Русский", "Теперь язык")
    await on.app.bot.set_my_commands([BotCommand(command="old", description="Old")], BotCommandScopeChat(chat_id=ANNA))
    for _ in range(2):  # the second comes after the menu of the first
        await on.say("/start")
    assert len(shown_commands(on.api.face, ANNA)) == len(COMMANDS)


async def test_a_menu_that_cannot_be_set_is_no_reason_not_to_answer(on: Stage) -> None:
    on.world.faults.set(Fault("error", "setMyCommands", code=400, message="Bad Request: no menus today", times=1))
    await chooses(on, "Русский", "Теперь язык")
    assert "Зарабатывайте" in (await on.say("/start")).text


async def test_a_language_that_is_not_spoken_any_more_is_as_in_telegram(on: Stage) -> None:
    await chooses(on, "Русский", "Теперь язык")
    shown = await on.forge("lg:xx")
    assert "I write in English" in shown.text
    assert "✓ As in Telegram" in str(shown.labels)


async def test_alerts_are_in_the_chosen_language_before_the_bridge_has_heard_of_it(on: Stage) -> None:
    alerts = Alerts(on.app.bot, on.languages, on.app.registering)
    what = Acted(action="join", person_id=7, person_name="Nadia", balance=OUR_CHANNEL, bot_title="Quiz")

    async def tell(number: int) -> None:
        event = Event(id=f"e{number}", at=NOW, hearers=[Hearer(person_id=ANNA, locale="en")], what=what)
        assert await alerts.tell(on.bridge, event)

    await on.say("/start")
    await tell(1)
    assert "joined" in on.chat().last_from_bot.text
    await chooses(on, "Русский", "Теперь язык")
    await tell(2)
    assert "новая ссылка" in on.chat().last_from_bot.text


async def test_a_late_answer_is_in_the_language_chosen_since(on: Stage) -> None:
    await chooses(on, "Русский", "Теперь язык")
    on.bridge.answers["show_affiliation"] = page()
    origin = Origin(chat_id=ANNA, locale="en")
    await on.app.late.receive(Reply(request_id="r", actor=ANNA, trace="t", origin=origin, result=page(changed=True)))
    await on.shows("Готово")
    asked = on.last_asked("show_affiliation").caller.origin
    assert asked
    assert asked.locale == "ru", "the bridge is not told the old one"


async def test_a_registration_goes_on_after_a_restart_in_the_language_chosen_since(on: Stage) -> None:
    await chooses(on, "Русский", "Теперь язык")
    on.bridge.answers["resume_registration"] = registering(state="verified")
    begun = registration(state="promoted").model_copy(
        update={"person_id": ANNA, "origin": Origin(chat_id=ANNA, locale="en")}
    )
    on.app.registering.take_up(on.bridge, begun)
    await on.shows("Готово")


async def test_a_failure_outside_any_handler_is_told_in_the_chosen_language(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chooses(on, "Русский", "Теперь язык")

    async def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bot.middlewares.private_only.PrivateOnlyMiddleware.__call__", fails)
    assert "на моей стороне" in (await on.say("/start")).text


class Broken(MemoryStorage):
    """A storage that is out of reach."""

    async def get_data(self, *_: object, **__: object) -> dict[str, object]:
        raise RedisConnectionError("gone")


async def test_without_the_storage_telegrams_language_is_spoken() -> None:
    languages = Languages(translations, Broken(), OURS)
    boris = User(id=BORIS, is_bot=False, first_name="Boris", language_code="ru")
    assert (await languages.of(boris)).locale == "ru"
    assert (await languages.told(BORIS, "ru")).locale == "ru"


async def test_who_follows_their_app_is_told_things_in_the_language_it_has_now() -> None:
    languages = Languages(translations, MemoryStorage(), OURS)
    anna = User(id=ANNA, is_bot=False, first_name="Anna", language_code="en")
    await languages.choose(anna, "ru")
    assert (await languages.of(anna)).locale == "ru"
    await languages.choose(anna, None)
    assert (await languages.told(ANNA, "ru")).locale == "en", "what was known elsewhere is older"
    assert (await languages.of(anna.model_copy(update={"language_code": "ru"}))).locale == "ru"
    assert (await languages.told(ANNA, "en")).locale == "ru"


async def test_a_chosen_language_is_forgotten_with_the_person() -> None:
    languages = Languages(translations, MemoryStorage(), OURS)
    anna = User(id=ANNA, is_bot=False, first_name="Anna", language_code="en")
    await languages.choose(anna, "ru")
    await languages.forget(ANNA)
    assert (await languages.of(anna)).locale == "en"
    assert await languages.chosen(ANNA) is None


async def test_a_choice_survives_restarts(site: Site) -> None:
    async with running(site.compose()):
        assert "I write in English" in await site.say("/language")
        query = site.api.chats.press(ANNA, site.chat.last_from_bot.id, "Русский")
        await site.chat.until(lambda chat: query.answer is not None and "Теперь" in chat.last_from_bot.text)
    async with running(site.compose()):
        assert "Зарабатывайте" in await site.say("/start")


async def test_failures_of_the_bridge_are_told_late_in_the_chosen_language(on: Stage) -> None:
    await chooses(on, "Русский", "Теперь язык")
    failure = Failure(code=ErrorCode.UNAVAILABLE)
    reply = Reply(request_id="r", actor=ANNA, trace="other", origin=Origin(chat_id=ANNA), failure=failure)
    await on.app.late.receive(reply)
    await on.shows("ничего не")
