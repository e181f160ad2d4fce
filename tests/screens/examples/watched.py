"""Links made in Telegram itself."""

from bot.screens import watched as screens
from mtproto_bridge.protocol.ids import WatchedId
from tests.screens.examples import Example
from tests.unit.bot_samples import END, checked_link, link, program, watched_page

CLOSING = program(end_date=END)

EXAMPLES: dict[str, Example] = {
    "my own balance": lambda texts: screens.own_balance(texts, program()),
    "no referral link": screens.not_understood,
    "which link?": screens.ask_for_link,
    "which link? not understood": lambda texts: screens.ask_for_link(texts, not_understood=True),
    "somebody's link, alive": lambda texts: screens.checked_link(texts, checked_link()),
    "somebody's link, dead": lambda texts: screens.checked_link(texts, checked_link(alive=False, program=None)),
    "somebody's link, closing": lambda texts: screens.checked_link(texts, checked_link(program=CLOSING)),
    "a link that is kept": lambda texts: screens.checked_link(texts, checked_link(watched_id=WatchedId(5))),
    "an older link of one's own": lambda texts: screens.checked_link(
        texts, checked_link(alive=False, own=link(revoked=True))
    ),
    "watched": lambda texts: screens.watched_page(texts, watched_page()),
    "watched, closing": lambda texts: screens.watched_page(texts, watched_page(program=CLOSING)),
    "watched, dead": lambda texts: screens.watched_page(texts, watched_page(alive=False)),
    "watched, kept now": lambda texts: screens.watched_page(texts, watched_page(), note="watched.note_kept"),
    "watched, kept before": lambda texts: screens.watched_page(texts, watched_page(), note="watched.note_known"),
}
