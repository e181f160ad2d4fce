"""Links: all of them, one, and revoking it."""

from typing import Any

from bot.i18n import Texts
from bot.screens import Screen
from bot.screens import links as screens
from tests.screens.examples import Example
from tests.unit.bot_samples import END, KITCHEN, NONCE, link, links, page, program, watched

NEW = link()
ARABIC = link(bot_title="حديقة 5", balance=KITCHEN, participants=1, revenue=21)
SOON = link(program_state="closing", end_date=None)
CLOSING = link(program_state="closing", end_date=END)
REVOKED = link(revoked=True, participants=0, revenue=0)
WATCHED_CLOSING = watched(bot_title="حديقة 5", program=program(end_date=END))
ENDED = link(program_state="ended", duration_months=None)


def _noted(note: str, **changes: Any) -> Example:
    def shown(texts: Texts) -> Screen:
        return screens.link_page(texts, page(**changes), note=note)

    return shown


EXAMPLES: dict[str, Example] = {
    "list": lambda texts: screens.links_page(texts, links(NEW, ARABIC, SOON, REVOKED, ENDED)),
    "list, a middle page by earnings": lambda texts: screens.links_page(
        texts, links(NEW, page=1, pages=3, total=13, sort="revenue")
    ),
    "list, watched links too, by users": lambda texts: screens.links_page(
        texts, links(NEW, watched(), watched(alive=False), WATCHED_CLOSING, sort="participants")
    ),
    "list, one forgotten, none left": lambda texts: screens.links_page(
        texts, links(balances=0), note="watched.note_forgotten"
    ),
    "list, for who wants to revoke": lambda texts: screens.links_page(texts, links(NEW), note="links.note_revoke"),
    "list, none yet": lambda texts: screens.links_page(texts, links()),
    "list, no balance": lambda texts: screens.links_page(texts, links(balances=0)),
    "link": lambda texts: screens.link_page(texts, page()),
    "link, nobody yet": lambda texts: screens.link_page(texts, page(participants=0, revenue=0, duration_months=None)),
    "link, names that run the other way": lambda texts: screens.link_page(
        texts, page(bot_title="حديقة 5", participants=1_000_000, revenue=1_234_567)
    ),
    "link, closing": lambda texts: screens.link_page(texts, page(program_state="closing", end_date=END)),
    "link, closing soon": lambda texts: screens.link_page(texts, page(program_state="closing")),
    "link, revoked": lambda texts: screens.link_page(texts, page(revoked=True)),
    "link, ended": lambda texts: screens.link_page(texts, page(program_state="ended")),
    "joined": _noted("link.note_joined"),
    "joined, link not seen": _noted("link.note_joined_unseen", url=None),
    "joined before": _noted("link.note_already_joined"),
    "joined with a new link": _noted("link.note_replaced"),
    "revoked": _noted("link.note_revoked", revoked=True),
    "revoked before": _noted("link.note_already_revoked", revoked=True),
    "revoked before, and joined since": _noted("link.note_newer"),
    "revoke?": lambda texts: screens.confirm_revoke(texts, page(), NONCE),
    "revoke? too late": lambda texts: screens.confirm_revoke(texts, page(), NONCE, note="revoke.note_expired"),
    "revoke? the button was used": lambda texts: screens.confirm_revoke(
        texts, page(), NONCE, note="revoke.note_changed"
    ),
    "revoking": screens.revoking,
}
