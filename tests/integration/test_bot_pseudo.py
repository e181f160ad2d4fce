"""A conversation in a language of other letters: whatever is still in Latin ones was not said through locales/."""

from collections.abc import AsyncIterator

import pytest

from bot.callbacks import AddChannel, AskRevoke, ChannelsPage, LinksPage, Menu, OpenProgram, ProgramsPage
from bot.i18n import Translations
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import BotId
from sandbox.botapi import Message
from tests.integration.bot_fixtures import Stage, stage
from tests.pseudo import PSEUDO, not_from_locales
from tests.unit.bot_samples import GARDEN, card, channel, channels, link, links, page, program, programs

BOT = BotId(8000002)


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """A running bot that speaks nothing else."""
    async with stage(Translations({"en": PSEUDO})) as made:
        made.bridge.answers = {
            "browse_programs": programs(program()),
            "show_program": card(GARDEN),
            "join": page(changed=True),
            "show_affiliation": page(),
            "list_affiliations": links(link()),
            "list_channels": channels(channel()),
        }
        yield made


def strange(message: Message) -> list[str]:
    """Words of a message and its buttons that are in nobody's catalog."""
    labels = [button.text for row in message.buttons for button in row]
    return [word for text in (message.text, *labels) for word in not_from_locales(text)]


async def test_everything_that_is_said_in_a_conversation_is_in_the_catalogs(on: Stage) -> None:
    for words in ("/start", "/help", "/programs", "/links", "/channels", "/cancel", "/nonsense", "quiz", "/join"):
        assert not strange(await on.say(words)), words
    for button in (
        *(Menu(to="help"), ProgramsPage(), OpenProgram(bot_id=BOT), LinksPage(), ChannelsPage()),
        *(AskRevoke(balance_id=GARDEN.id, bot_id=BOT), AddChannel()),
    ):
        assert not strange(await on.forge(button.pack())), button
    assert not strange(await on.forge("an old button"))


async def test_no_failure_is_told_in_words_of_its_own(on: Stage) -> None:
    for code in ErrorCode:
        on.bridge.answers["list_affiliations"] = BridgeError(code)
        assert not strange(await on.say("/links")), code
