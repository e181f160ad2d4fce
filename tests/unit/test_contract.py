"""The contract between bot and bridge: it survives JSON, and both sides' growing older at their own pace."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from mtproto_bridge.protocol import VERSION, BridgeError, ErrorCode, Failure, Nonce, Origin, Reply, Request
from mtproto_bridge.protocol.events import Event, Occurrence, parse_event
from mtproto_bridge.protocol.ids import AffiliationId, BalanceId, BotId
from mtproto_bridge.protocol.replies import Result, UnknownReply
from mtproto_bridge.protocol.requests import (
    ActsForBalance,
    AdvanceRegistration,
    Envelope,
    ForBalance,
    Join,
    Mutation,
    Payload,
    Revoke,
    ShowAffiliation,
    ShowProgram,
    StartRegistration,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)

ids = st.integers(min_value=1, max_value=2**52)
"""Telegram's ids have at most 52 bits."""
moments = st.datetimes(datetime(2013, 8, 14), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
words = st.text(max_size=40)
numbers = st.integers(1, 50)
"""Ids, pages and sizes at once."""
nonces = st.binary(min_size=6, max_size=6).map(lambda raw: Nonce.mint(NOW, lambda _: raw))
balance_ids, bot_ids = ids.map(BalanceId), ids.map(BotId)


def kinds_of(union: Any) -> tuple[type[BaseModel], ...]:
    """The models of a union, annotated or not."""
    return get_args(get_args(union)[0] if get_origin(union) is Annotated else union)


def any_of(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Any value of a model, from its own annotations."""
    fields = {name: _field(field.annotation) for name, field in model.model_fields.items() if name != "kind"}
    return st.builds(model, **fields)


def _field(annotation: Any) -> st.SearchStrategy[Any]:
    """What a field of this type may hold: Telegram's numbers, times with a zone, texts that are not too long."""
    if get_origin(annotation) in (Union, UnionType):
        return st.one_of(*(_field(one) for one in get_args(annotation)))
    if get_origin(annotation) is list:
        return st.lists(_field(get_args(annotation)[0]), max_size=3)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return st.deferred(lambda: any_of(annotation))
    known = {datetime: moments, str: words, int: numbers, type(None): st.none()}
    plain = getattr(annotation, "__supertype__", annotation)
    return known[plain] if plain in known else st.from_type(plain)


mutations = st.one_of(*map(any_of, kinds_of(Mutation)))
reads = st.one_of(
    *(any_of(one) for one in kinds_of(Payload) if one not in (*kinds_of(Mutation), ShowProgram)),
    st.builds(ShowProgram, username=words),
    st.builds(ShowProgram, bot_id=bot_ids),
)
origins = st.none() | any_of(Origin)


def request(payload: Payload, nonce: str | None = None, **changes: Any) -> Request:
    values = {
        "id": "r1",
        "actor": 77,
        "reply_to": "bot-1",
        "trace": "t1",
        "deadline": NOW,
        "nonce": nonce,
        "payload": payload,
    }
    return Request.model_validate(values | changes)


def requests() -> st.SearchStrategy[Request]:
    common = {"id": words, "actor": ids, "reply_to": words, "trace": words, "origin": origins, "deadline": moments}
    return st.one_of(
        st.builds(Request, payload=mutations, nonce=nonces, **common),
        st.builds(Request, payload=reads, nonce=st.none(), **common),
    )


results = st.one_of(*map(any_of, kinds_of(Result)))
failures = st.builds(Failure, retry_at=st.none() | moments, end_date=st.none() | moments)


def replies() -> st.SearchStrategy[Reply]:
    common = {"request_id": words, "actor": ids, "trace": words, "origin": origins}
    return st.one_of(
        st.builds(Reply, result=results, failure=st.none(), **common),
        st.builds(Reply, result=st.none(), failure=failures, **common),
    )


# -- through JSON ------------------------------------------------------------------------------------------------


@given(requests())
def test_any_request_comes_out_of_json_as_it_went_in(asked: Request) -> None:
    again = Request.model_validate_json(asked.model_dump_json())
    assert again == asked
    assert type(again.payload) is type(asked.payload)


@given(replies())
def test_any_reply_comes_out_of_json_as_it_went_in(answered: Reply) -> None:
    again = Reply.model_validate_json(answered.model_dump_json())
    assert again == answered
    assert type(again.result) is type(answered.result)


@given(any_of(Event))
def test_any_event_comes_out_of_json_as_it_went_in(event: Event) -> None:
    again = parse_event(event.model_dump_json())
    assert again == event
    assert type(again.what) is type(event.what)


@pytest.mark.parametrize("text", ["", "{}", "nonsense"])
def test_what_is_no_event_known_here_is_none(text: str) -> None:
    assert parse_event(text) is None


def test_an_event_of_a_newer_kind_is_none_and_no_crash() -> None:
    event = {"version": VERSION + 1, "id": "e", "at": NOW.isoformat(), "hearers": [], "what": {"kind": "levitated"}}
    assert parse_event(json.dumps(event)) is None


@given(st.sampled_from(list(ErrorCode)), moments)
def test_a_failure_is_raised_with_all_it_says(code: ErrorCode, moment: datetime) -> None:
    failure = Failure(code=code, retry_at=moment, telegram_message="X")
    assert BridgeError(failure).failure == failure
    assert BridgeError(code).code is code


# -- mutations and reads -----------------------------------------------------------------------------------------


@given(mutations)
def test_a_mutation_without_a_nonce_is_no_request(payload: Join | Revoke) -> None:
    with pytest.raises(ValidationError, match="a mutation carries a nonce"):
        request(payload)


@given(reads, nonces)
def test_a_read_with_a_nonce_is_no_request(payload: Payload, nonce: str) -> None:
    with pytest.raises(ValidationError, match="a mutation carries a nonce, a read none"):
        request(payload, nonce)


def test_a_program_is_asked_for_by_one_name() -> None:
    with pytest.raises(ValidationError):
        ShowProgram()
    with pytest.raises(ValidationError):
        ShowProgram(username="a", bot_id=BotId(1))


few = st.integers(1, 3).map(BalanceId)
for_balance = st.one_of(
    st.builds(Join, balance_id=few, bot_id=bot_ids),
    st.builds(Revoke, balance_id=few, affiliation_id=ids.map(AffiliationId)),
    st.builds(ShowAffiliation, balance_id=few, bot_id=bot_ids),
)


@given(for_balance, for_balance)
def test_requests_for_one_balance_keep_their_order_whatever_they_are(one: Payload, other: Payload) -> None:
    keys = [request(each, "n" if isinstance(each, Mutation) else None).order_key for each in (one, other)]
    assert (keys[0] == keys[1]) == (one.balance_id == other.balance_id)  # type: ignore[union-attr] # all three have it


@given(reads.filter(lambda one: not isinstance(one, ForBalance | AdvanceRegistration | StartRegistration)))
def test_requests_for_no_balance_wait_for_nobody(payload: Payload) -> None:
    assert request(payload, id="a").order_key != request(payload, id="b").order_key


# -- a newer bot, a newer bridge ---------------------------------------------------------------------------------


@given(requests(), st.dictionaries(words, st.integers() | words, max_size=3))
def test_a_request_of_a_newer_kind_can_still_be_answered(asked: Request, more: dict[str, int | str]) -> None:
    newer = more | asked.model_dump(mode="json") | {"version": VERSION + 1, "payload": {"kind": "levitate", **more}}
    text = json.dumps(newer)
    with pytest.raises(ValidationError):
        Request.model_validate_json(text)
    envelope = Envelope.model_validate_json(text)
    assert (envelope.id, envelope.actor, envelope.reply_to) == (asked.id, asked.actor, asked.reply_to)
    assert (envelope.trace, envelope.origin, envelope.version) == (asked.trace, asked.origin, VERSION + 1)


def test_a_known_kind_with_a_field_we_do_not_know_is_not_carried_out_without_it() -> None:
    """Acting on half of what was asked would be wrong: join with a limit is not join."""
    newer = request(Join(balance_id=BalanceId(1), bot_id=BotId(2)), "n").model_dump(mode="json")
    newer["payload"]["at_most"] = 5
    with pytest.raises(ValidationError):
        Request.model_validate_json(json.dumps(newer))
    assert Envelope.model_validate_json(json.dumps(newer)).id == "r1"


@given(replies())
def test_what_a_newer_bridge_says_beyond_what_we_know_is_left_aside(answered: Reply) -> None:
    newer = _with_more(answered.model_dump(mode="json"))
    assert Reply.model_validate(newer) == answered


def _with_more(value: Any) -> Any:
    """The value with an unknown field in every object."""
    if isinstance(value, dict):
        return {name: _with_more(one) for name, one in value.items()} | {"of_the_future": [1]}
    return [_with_more(one) for one in value] if isinstance(value, list) else value


@given(replies(), st.sampled_from(["result", "failure"]))
def test_an_answer_we_do_not_understand_becomes_the_failure_unsupported(answered: Reply, part: str) -> None:
    newer = answered.model_dump(mode="json") | {part: {"kind": "levitated", "code": "too_heavy"}}
    with pytest.raises(ValidationError):
        Reply.model_validate(newer)
    failed = UnknownReply.model_validate_json(json.dumps(newer)).as_failure()
    assert failed.failure == Failure(code=ErrorCode.UNSUPPORTED)
    assert failed.result is None
    assert (failed.request_id, failed.actor, failed.trace) == (answered.request_id, answered.actor, answered.trace)
    assert failed.origin == answered.origin


def test_every_kind_of_mutation_is_known_to_be_one() -> None:
    acting = {one.model_fields["kind"].default for one in Mutation.__args__}
    assert acting == {"join", "revoke", "remove_channel", "forget_person"}
    for one in ActsForBalance.__args__:
        assert "balance_id" in one.model_fields


KEPT = Path(__file__).parent / "contract.json"
"""Every name that travels, written down: `python -m tests.unit.test_contract` adds what is new."""


def names() -> dict[str, list[str]]:
    """What may never be renamed or dropped: an older bot may meet a newer bridge."""
    kinds = {
        name: sorted(one.model_fields["kind"].default for one in kinds_of(union))
        for name, union in (("requests", Payload), ("results", Result), ("events", Occurrence))
    }
    return kinds | {"errors": sorted(ErrorCode)}


@pytest.mark.parametrize("part", names())
def test_no_name_that_travels_is_ever_renamed_or_dropped(part: str) -> None:
    assert names()[part] == json.loads(KEPT.read_text())[part]


# -- the nonce ---------------------------------------------------------------------------------------------------


@given(moments)
def test_a_nonce_tells_when_it_was_minted_in_14_characters(moment: datetime) -> None:
    nonce = Nonce.mint(moment)
    assert len(nonce) == 14
    assert nonce.isascii()
    assert moment - timedelta(seconds=1) < Nonce.minted_at(nonce) <= moment


def test_nonces_of_one_second_differ() -> None:
    assert len({Nonce.mint(NOW) for _ in range(1000)}) == 1000


@given(st.text() | st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/\n ", max_size=20))
@example("")
@example("A" * 13)
@example("A" * 15)
@example("A" * 17)
@example("====")
@example("AAAA AAAAAAAAAA")
@example("ААААААААААААAA")
@example("\ud800AAAAAAAAAAAAA")
def test_what_is_no_nonce_is_refused_and_never_crashes(text: str) -> None:
    try:
        minted = Nonce.minted_at(text)
    except ValueError:
        return
    assert minted.tzinfo is UTC
    assert len(text.rstrip("=")) == 14, "only what has the length of one is taken"


@given(nonces, st.integers(1, 14))
def test_a_cut_nonce_is_refused(nonce: str, cut: int) -> None:
    with pytest.raises(ValueError, match="not a nonce"):
        Nonce.minted_at(nonce[:-cut])


if __name__ == "__main__":
    KEPT.write_text(json.dumps(names(), indent=2) + "\n")
