"""The operator's page."""

from typing import get_args

from bot.screens.operator import operations_page
from mtproto_bridge.protocol import Origin
from mtproto_bridge.store.accounts import State
from tests.screens.examples import Example
from tests.unit.bot_samples import END, operated, operations, waiting

BY_NAME = waiting(9, origin=Origin(chat_id=1002, name="Nadia <3"), username="gardens")
EVERY_STATE = [operated(state=state, served_by=None) for state in get_args(State)]

EXAMPLES: dict[str, Example] = {
    "nothing": lambda texts: operations_page(texts, operations()),
    "all is well": lambda texts: operations_page(texts, operations(operated(), people=21)),
    "much to do": lambda texts: operations_page(
        texts,
        operations(
            operated(waiting=7, flooded_until=END),
            dead_letters=2,
            registrations=[BY_NAME, waiting(10, title="حديقة")],
            registrations_waiting=12,
            banned=[1003],
        ),
    ),
    "accounts in every state": lambda texts: operations_page(texts, operations(*EVERY_STATE)),
    "accounts in every state, the other page": lambda texts: operations_page(texts, operations(*EVERY_STATE), page=1),
    "banned": lambda texts: operations_page(texts, operations(banned=[1003]), note="operator.note_banned"),
    "unbanned": lambda texts: operations_page(texts, operations(), note="operator.note_unbanned"),
    "whom?": lambda texts: operations_page(texts, operations(), note="operator.note_which"),
}
