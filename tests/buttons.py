"""Buttons of every kind, with anything in them that fits: strategies for any test to use."""

from typing import Any

from aiogram.filters.callback_data import CallbackData
from hypothesis import strategies as st

INT64 = st.integers(-(2**63), 2**63 - 1)
IDS = ("balance_id", "bot_id", "affiliation_id", "registration_id", "watched_id", "person_id")
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "channel_id": st.integers(1, 2**63 - 1),
    "revoke_links": st.booleans(),
    "approve": st.booleans(),
    "banned": st.booleans(),
    "nonce": st.from_regex(r"[A-Za-z0-9_-]{14}", fullmatch=True),
    "tag": st.from_regex(r"[A-Za-z_]{0,16}", fullmatch=True),
    "page": st.integers(0, 9_999),
    "version": st.integers(1, 9_999),
    "sort": st.sampled_from(["profit", "revenue", "date"]),
    "order": st.sampled_from(["date", "revenue", "participants"]),
    "min_permille": st.integers(0, 1_000),
    "forever": st.booleans(),
    "crawl": st.integers(0, 36**7 - 1),
    "words": st.text(),
    "to": st.sampled_from(["start", "help"]),
    "username": st.from_regex(r"[A-Za-z0-9_]{1,32}", fullmatch=True),
    "token": st.from_regex(r"[A-Za-z0-9_-]{1,28}", fullmatch=True),
    "what": st.sampled_from(["picture", "post"]),
}

LONGEST: dict[str, Any] = dict.fromkeys(IDS, -(2**63)) | {
    "channel_id": 2**63 - 1,
    "revoke_links": True,
    "approve": True,
    "banned": True,
    "nonce": "A" * 14,
    "tag": "a" * 16,
    "page": 9_999,
    "version": 9_999,
    "sort": "profit",
    "order": "date",
    "min_permille": 1_000,
    "forever": True,
    "crawl": 36**7 - 1,
    "words": "w" * 100,
    "to": "start",
    "username": "a" * 32,
    "token": "a" * 28,
    "what": "picture",
}


def any_of(kind: type[CallbackData], ids: st.SearchStrategy[int] = INT64) -> st.SearchStrategy[CallbackData]:
    """A button of a kind, about the ids that are given."""
    fields = FIELDS | dict.fromkeys(IDS, ids)
    return st.builds(kind, **{name: fields[name] for name in kind.model_fields})
