"""Whatever two people tap and type, and in whichever order: see `judge` in tests/e2e/anything.py for what holds.

The walks are the same ones each time. `WALKS=200 python -m pytest tests/e2e/test_anything.py` takes so many new ones,
and shortens one that fails to what makes it fail; `make walks` does that.
"""

import asyncio
import os
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.callbacks import ALL
from bot.menus import COMMANDS
from tests.buttons import any_of
from tests.e2e.acts import Block, Delete, Pick, Press, Restart, Right, Say, Send, SendShown, TypeInline, Wait
from tests.e2e.anything import CORNER, SHED, Act, walked

FEW, PARTS = 4, 8
MANY = int(os.environ.get("WALKS", "0"))
AGAIN = settings(
    max_examples=MANY or FEW,
    derandomize=not MANY,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, *([Phase.shrink] if MANY else [])],
    suppress_health_check=list(HealthCheck),
)

WORDS = [
    *(f"/{command}" for command in COMMANDS),
    *(f"/start b_{number}" for number in range(1, 7)),
    *("/start j_8000002", "/start j_8000013", "/start _tgr_AbCd", "/start b_99999", "/start \u202eb_1"),
    *("/join @quiz_night_bot", "/join quiz", "/join {url}", "/check {url}", "/check", "{url}", "look: {url} !"),
    *("/programs quiz", "/programs <b>&amp;", "/channels x", "/links 2", "/cancel", "/operator", "/ban 1003", "/unban"),
    *("quiz", "my links", "revoke", "cancel", "Cancel", "Отмена", "мои ссылки", "проверить", "@quiz_night_bot"),
    *("nobody_at_all_bot", "t.me/telegram", "https://t.me/quiz_night_bot?start=_tgr_AAAAAAAAAAAA", "tg://resolve?x"),
    *("<b>not bold</b> & <script>", "{balance} %s %(n)d {0}", "مرحبا \u202eקישור\u202c", "🦜" * 2048, "a" * 4096),
    *("a:b:c", "\\ ` * _ [x](y)", "'; --", "0", ".", "@", "/", "//", "/@", "\u200b", "👩‍👩‍👧‍👦"),
]
numbers = st.integers(0, 999)
latest = st.just(0) | st.integers(0, 30)
people = st.integers(0, 1)
once = st.sampled_from([1, 1, 1, 2, 3])
says = st.builds(Say, people, st.sampled_from(WORDS) | st.text(min_size=1, max_size=80), numbers)
ids = st.integers(1, 8) | st.sampled_from([8000001, 8000002, 8000003, CORNER, SHED]) | st.integers(-(2**63), 2**63 - 1)
forgeries = st.one_of([any_of(kind, ids=ids) for kind in ALL]).map(lambda button: button.pack())


def weighed(**weights: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of these, each as often as its weight says; the first is the simplest."""
    return st.sampled_from([one for weight, one in weights.values() for _ in range(weight)]).flatmap(lambda one: one)


acts: st.SearchStrategy[Act] = weighed(
    press=(30, st.builds(Press, people, latest, numbers, times=once)),
    press_without_content=(2, st.builds(Press, people, latest, numbers, inaccessible=st.just(True))),
    say=(7, says),
    send_shown=(3, st.builds(SendShown, people, people, numbers)),
    send=(3, st.builds(Send, people, forgeries)),
    pick=(2, st.builds(Pick, people, numbers, adds_bot=st.sampled_from([True, True, False]))),
    type_inline=(2, st.builds(TypeInline, people, st.sampled_from(["", "", "quiz", "<&>"]))),
    delete=(1, st.builds(Delete, people, latest)),
    block=(1, st.builds(Block, people)),
    right=(1, st.builds(Right, people, st.booleans())),
    wait=(1, st.builds(Wait, people, st.sampled_from([1, 25, 49]))),
    restart=(1, st.builds(Restart, people)),
)
steps = st.lists(acts, min_size=1, max_size=3).map(tuple)
"""Some acts at once."""
walks = st.lists(st.lists(steps, max_size=10), min_size=PARTS, max_size=PARTS).map(
    lambda parts: [step for part in parts for step in part]
)
"""In parts, about five steps each: one long list would be short as a rule, or could not be shortened."""


@AGAIN
@given(walks)
def test_whatever_two_people_tap_and_type_each_is_answered_and_sees_only_what_is_theirs(
    walk: list[tuple[Act, ...]],
) -> None:
    asyncio.run(walked(walk))
