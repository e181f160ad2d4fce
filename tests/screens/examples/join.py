"""Joining."""

from bot.screens import join
from mtproto_bridge.protocol.ids import BalanceId
from mtproto_bridge.protocol.replies import Balance
from tests.screens.examples import Example
from tests.unit.bot_samples import GARDEN, KITCHEN, NONCE, card

ME = Balance(id=BalanceId(3), kind="account", title="سارة")
APP = Balance(id=BalanceId(4), kind="bot", title="Own App", joined=True)
BARRED = KITCHEN.model_copy(update={"may_connect": False})
MANY = [GARDEN.model_copy(update={"id": BalanceId(number), "title": f"Garden {number}"}) for number in range(1, 12)]

EXAMPLES: dict[str, Example] = {
    "which program": join.ask_for_program,
    "which program, again": lambda texts: join.ask_for_program(texts, not_understood=True),
    "which balance": lambda texts: join.choose_balance(texts, card(GARDEN, KITCHEN, ME, APP)),
    "which balance of many": lambda texts: join.choose_balance(texts, card(*MANY)),
    "which balance, one barred": lambda texts: join.choose_balance(texts, card(GARDEN, BARRED)),
    "which balance, all barred": lambda texts: join.choose_balance(texts, card(BARRED)),
    "terms": lambda texts: join.terms(texts, card(GARDEN, terms_accepted=False), GARDEN),
    "no balance": lambda texts: join.no_balances(texts, card()),
    "confirm": lambda texts: join.confirm_join(texts, card(GARDEN), GARDEN, NONCE),
    "confirm, one of several, forever": lambda texts: join.confirm_join(
        texts, card(GARDEN, ME, duration_months=None), ME, NONCE
    ),
    "confirm, too late": lambda texts: join.confirm_join(texts, card(GARDEN), GARDEN, NONCE, note="join.note_expired"),
    "confirm, the button was used": lambda texts: join.confirm_join(
        texts, card(GARDEN), GARDEN, NONCE, note="join.note_changed"
    ),
    "joining": join.joining,
}
