"""However somebody writes a bot, the same bot is meant; and never whose referral it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversations.words import names_a_bot
from bot.references import username_in

TOKEN = "_tgr_AbCdEfGh1234"
USERNAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{3,27}bot", fullmatch=True)
WAYS = (
    "@{bot}",
    "{bot}",
    "  {bot}\n",
    "t.me/{bot}",
    "https://t.me/{bot}",
    "http://www.t.me/{bot}/",
    "HTTPS://T.ME/{bot}",
    "https://t.me/@{bot}",
    "https://telegram.me/{bot}",
    "telegram.dog/{bot}",
    f"https://t.me/{{bot}}?start={TOKEN}",
    f"t.me/{{bot}}?ref={TOKEN}",
    "https://t.me/{bot}?profile",
    "https://t.me/{bot}?startapp=x",
    "https://t.me/{bot}/play",
    "https://t.me/{bot}/play?startapp=x#top",
    "https://{bot}.t.me",
    f"{{bot}}.t.me/?start={TOKEN}",
    f"https://{{bot}}.telegram.me/play?ref={TOKEN}",
    "tg://resolve?domain={bot}",
    f"tg://resolve?domain={{bot}}&start={TOKEN}",
    f"tg://resolve/?ref={TOKEN}&domain={{bot}}",
)


@given(USERNAMES, st.sampled_from(WAYS))
def test_every_way_to_write_a_bot_names_it(bot: str, way: str) -> None:
    found = username_in(way.format(bot=bot))
    assert found is not None
    assert found.lower() == bot.lower()  # a host has no case


@given(st.text())
def test_whatever_is_pasted_gives_a_username_or_nothing(text: str) -> None:
    found = username_in(text)
    assert found is None or (found.isascii() and 3 <= len(found) <= 32)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "@",
        "@1bot",
        "@this_name_is_far_too_long_for_any_bot",
        "two words",
        "https://example.org/quiz_bot",
        "https://t.me.example.org/quiz_bot",
        "https://example.org/?u=t.me/quiz_bot",
        "https://t.me/",
        "https://t.me/+AbCdEf",
        "https://t.me/joinchat/AbCdEf",
        "https://t.me/c/123/4",
        "tg://join?invite=AbCdEf",
        "tg://resolve?phone=123",
        "ftp://t.me/quiz_bot",
        "http://[::1",
        "javascript:quiz_bot",
        "квиз_bot",
        "x" * 5_000,
    ],
)
def test_what_names_no_bot_is_not_guessed_at(text: str) -> None:
    assert username_in(text) is None


@pytest.mark.parametrize("text", ["@quiz", "t.me/quiz", "quiz.t.me", "quizbot", "Quiz_Bot"])
def test_plain_words_that_are_marked_as_a_name_open_a_card(text: str) -> None:
    assert names_a_bot(text) is not None


@pytest.mark.parametrize("text", ["hello", "my links", "revoke", "a quiz_bot please", "yes!", ""])
def test_other_plain_words_are_looked_up_nowhere(text: str) -> None:
    assert names_a_bot(text) is None
