"""What is told unasked."""

from typing import get_args

from bot.i18n import Texts
from bot.screens import Screen, alerts
from mtproto_bridge.protocol.events import (
    AccountChanged,
    AccountGone,
    Acted,
    ChannelIdle,
    ChannelReleased,
    HealthChanged,
    LinkState,
    Occurrence,
    RegistrationDecided,
    RegistrationWaits,
)
from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.store.accounts import State
from tests.screens.examples import Example
from tests.unit.bot_samples import END, OUR_CHANNEL, waiting

QUIZ = {"bot_id": BotId(8000002), "bot_title": "Quiz Night", "bot_username": "quiz_bot"}
LINKS = [LinkState(bot_title=title, alive=alive) for title, alive in (("A", True), ("B", False), ("C", None))]


def _told(what: Occurrence) -> Example:
    def shown(texts: Texts) -> Screen:
        screen = alerts.alert(texts, what)
        assert screen is not None
        return screen

    return shown


EXAMPLES: dict[str, Example] = {
    "joined": _told(Acted(action="join", person_id=2002, person_name="Борис", balance=OUR_CHANNEL, **QUIZ)),
    "revoked": _told(Acted(action="revoke", person_id=2002, person_name="سارة", balance=OUR_CHANNEL, **QUIZ)),
    "joined, nothing known by name": _told(Acted(action="join", person_id=2002, balance=OUR_CHANNEL)),
    "another manager": _told(Acted(action="register", person_id=2002, person_name="Boris", balance=OUR_CHANNEL)),
    "removed": _told(Acted(action="remove", person_id=2002, person_name="Boris", balance=OUR_CHANNEL)),
    "right lost": _told(HealthChanged(balance=OUR_CHANNEL, before="ok", health="rights_missing", account_name="Vera")),
    "right back": _told(HealthChanged(balance=OUR_CHANNEL, before="rights_missing", health="ok", account_name="Vera")),
    "account gone": _told(AccountGone(balance=OUR_CHANNEL, account_name="Vera", links=LINKS)),
    "idle": _told(ChannelIdle(balance=OUR_CHANNEL, release_at=END)),
    "released": _told(ChannelReleased(balance=OUR_CHANNEL)),
    **{
        f"operator: account {state}": _told(
            AccountChanged(account_id=AccountId(1001), name="Vera", before="ready", state=state, channels=2)
        )
        for state in get_args(State)
    },
    "operator: a channel waits": _told(RegistrationWaits(registration=waiting(username="gardens"), person_name="Anna")),
    "operator: a channel waits, of nobody by name": _told(RegistrationWaits(registration=waiting())),
    "operator: approved": lambda texts: alerts.decided(texts, waiting(state="picked")),
    "operator: refused": lambda texts: alerts.decided(texts, waiting(state="refused")),
    "refused": _told(RegistrationDecided(registration=waiting(state="refused"))),
}
