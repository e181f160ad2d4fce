"""The class an answer is read with is built once."""

import gc
import weakref

from aiogram import Bot
from aiogram.methods import GetMe

from bot.session import Session

TOKEN = "7000001:AAStarlingSandboxTokenThatOpensNothing1"
ANSWER = '{"ok": true, "result": {"id": 7000001, "is_bot": true, "first_name": "Starling"}}'


async def test_the_class_of_an_answer_outlives_the_answer() -> None:
    session = Session()
    bot = Bot(TOKEN, session=session)
    first = weakref.ref(type(session.check_response(bot, GetMe(), 200, ANSWER)))
    gc.collect()
    assert type(session.check_response(bot, GetMe(), 200, ANSWER)) is first()
