"""A referral link is read however it is written, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtproto_bridge.protocol.links import ReferralLink, referral_in

TOKEN = "AbCd-fGh_234"
TOKENS = st.from_regex(r"[A-Za-z0-9_-]{1,59}", fullmatch=True)
USERNAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{3,27}bot", fullmatch=True)
WAYS = (
    "https://t.me/{bot}?start=_tgr_{token}",
    "t.me/{bot}?start=_tgr_{token}",
    "http://www.t.me/{bot}/?start=_tgr_{token}",
    "HTTPS://T.ME/{bot}?start=_tgr_{token}#top",
    "https://t.me/@{bot}?start=_tgr_{token}",
    "https://t.me/{bot}?start=%5Ftgr%5F{token}",
    "https://t.me/{bot}?ref={token}",
    "telegram.me/{bot}?ref={token}",
    "https://telegram.dog/{bot}?text=hi&start=_tgr_{token}",
    "https://{bot}.t.me?start=_tgr_{token}",
    "{bot}.t.me/?ref={token}",
    "https://{bot}.telegram.me/?start=_tgr_{token}",
    "tg://resolve?domain={bot}&start=_tgr_{token}",
    "tg://resolve?ref={token}&domain={bot}",
    "Look at this:\n https://t.me/{bot}?start=_tgr_{token} and more",
)


@given(USERNAMES, TOKENS, st.sampled_from(WAYS))
def test_every_way_to_write_a_referral_link_is_read(bot: str, token: str, way: str) -> None:
    found = referral_in(way.format(bot=bot, token=token))
    assert found is not None
    assert found.username.lower() == bot.lower()  # a host has no case
    assert found.token == token
    assert found.url == f"https://t.me/{found.username}?start=_tgr_{token}"


@given(USERNAMES, TOKENS)
def test_the_way_telegram_writes_it_is_read_back_as_the_same(bot: str, token: str) -> None:
    link = ReferralLink(bot, token)
    assert referral_in(link.url) == link
    assert len(link.url) <= 255


@given(st.text())
def test_whatever_is_pasted_is_a_link_or_nothing(text: str) -> None:
    assert referral_in(text) is None or "=" in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@quiz_bot",
        "https://t.me/quiz_bot",
        "https://t.me/quiz_bot?start=_tgr_",
        "https://t.me/quiz_bot?start=hello",
        f"https://t.me/quiz_bot?start=x_tgr_{TOKEN}",
        f"https://t.me/quiz_bot?start=_TGR_{TOKEN}",
        f"https://t.me/quiz_bot?startapp=_tgr_{TOKEN}",
        "https://t.me/quiz_bot?ref=",
        "https://t.me/quiz_bot?ref=a.b",
        "https://t.me/quiz_bot?start=_tgr_a%20b",
        f"https://t.me/quiz_bot?start=_tgr_{'A' * 60}",
        f"https://t.me/quiz_bot/play?ref={TOKEN}",
        f"https://t.me/joinchat?ref={TOKEN}",
        f"https://t.me/?ref={TOKEN}",
        f"https://example.org/quiz_bot?ref={TOKEN}",
        f"https://t.me.example.org/quiz_bot?start=_tgr_{TOKEN}",
        f"tg://join?domain=quiz_bot&ref={TOKEN}",
        f"tg://resolve?ref={TOKEN}",
        f"http://[::1?ref={TOKEN}",
        f"https://t.me/quiz_bot?start=_tgr_{TOKEN} " + "x" * 5_000,
    ],
)
def test_what_is_no_referral_link_is_not_taken_for_one(text: str) -> None:
    assert referral_in(text) is None


def test_the_prefixes_are_those_of_telegrams_config() -> None:
    foreign = f"https://t.me/quiz_bot?start=_tgref_{TOKEN}"
    assert referral_in(foreign) is None
    found = referral_in(foreign, ("_tgref_", "_tgr_"))
    assert found is not None
    assert (found.token, found.url) == (TOKEN, foreign)
    named = referral_in(f"https://t.me/quiz_bot?ref={TOKEN}", ("_tgref_", "_tgr_"))
    assert named is not None
    assert named.url == foreign
