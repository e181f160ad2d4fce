"""Replies as the bridge gives them, for tests of what the bot makes of them."""

from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

from bot.i18n import Texts, Translations
from bot.screens import Screen, Url
from bot.screens.layout import Copy
from mtproto_bridge.protocol.ids import AccountId, AffiliationId, BalanceId, BotId, RegistrationId, WatchedId
from mtproto_bridge.protocol.replies import (
    Account,
    Affiliation,
    AffiliationPage,
    Affiliations,
    Balance,
    Card,
    Cards,
    Channel,
    ChannelPage,
    Channels,
    CheckedLink,
    OperatedAccount,
    Operations,
    Program,
    ProgramCard,
    Programs,
    Registration,
    RegistrationPage,
    Watched,
    WatchedPage,
)
from sandbox.botapi.html_parser import HtmlParser
from sandbox.botapi.markup import parse_inline

LOCALES = Path(__file__).resolve().parents[2] / "locales"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
END = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
NONCE = "AAAAAAAAAAAAAA"

translations = Translations.load(LOCALES)
english: Texts = translations.texts("en")
russian: Texts = translations.texts("ru")

GARDEN = Balance(id=BalanceId(1), kind="channel", title="Garden")
KITCHEN = Balance(id=BalanceId(2), kind="channel", title="Kitchen")
URL = "https://t.me/quiz_bot?start=_tgr_AbCdEfGh1234"


def program(**changes: Any) -> Program:
    values = Program(
        bot_id=BotId(8000002),
        username="quiz_bot",
        title="Quiz Night",
        commission_permille=125,
        duration_months=12,
        daily_revenue_nanos=2_000_000_000,
    )
    return values.model_copy(update=changes)


def card(*balances: Balance, terms_accepted: bool = True, **changes: Any) -> ProgramCard:
    return ProgramCard(program=program(**changes), balances=list(balances), terms_accepted=terms_accepted)


CRAWL = int(NOW.timestamp())
"""The number of a reading of Telegram's lists."""


def programs(*found: Program, page: int = 0, pages: int = 1, total: int | None = None, **wanted: Any) -> Programs:
    total = len(found) if total is None else total
    values = Programs(programs=list(found), page=page, pages=pages, total=total, crawl=CRAWL, read_at=NOW)
    return values.model_copy(update=wanted)


def live(**changes: Any) -> Card:
    """A live link, as inline mode gets it."""
    values = Card(url=URL, bot_title="Quiz Night", balance_title="Garden", commission_permille=125, duration_months=12)
    return values.model_copy(update=changes)


def cards(*found: Card, page: int = 0, pages: int = 1) -> Cards:
    return Cards(cards=list(found), page=page, pages=pages)


def link(**changes: Any) -> Affiliation:
    values = Affiliation(
        id=AffiliationId(77),
        balance=GARDEN,
        bot_id=BotId(8000002),
        bot_username="quiz_bot",
        bot_title="Quiz Night",
        url=URL,
        date=NOW,
        commission_permille=125,
        duration_months=12,
        participants=4,
        revenue=30,
        revoked=False,
    )
    return values.model_copy(update=changes)


def page(
    *, changed: bool = False, replaced_link: bool = False, replayed: bool = False, **changes: Any
) -> AffiliationPage:
    return AffiliationPage(affiliation=link(**changes), changed=changed, replaced_link=replaced_link, replayed=replayed)


def links(
    *found: Affiliation | Watched, page: int = 0, pages: int = 1, balances: int = 1, **changes: Any
) -> Affiliations:
    theirs = [one for one in found if isinstance(one, Watched)]
    values = Affiliations(
        affiliations=[one for one in found if isinstance(one, Affiliation)],
        watched_links=theirs,
        watched=len(theirs),
        page=page,
        pages=pages,
        total=len(found),
        balances=balances,
    )
    return values.model_copy(update=changes)


def watched(**changes: Any) -> Watched:
    values = Watched(
        id=WatchedId(5),
        url=URL,
        bot_id=BotId(8000002),
        bot_username="quiz_bot",
        bot_title="Quiz Night",
        alive=True,
        checked_at=NOW,
        added_at=NOW,
        program=program(),
    )
    return values.model_copy(update=changes)


def watched_page(*, new: bool = False, **changes: Any) -> WatchedPage:
    return WatchedPage(watched=watched(**changes), new=new)


def checked_link(**changes: Any) -> CheckedLink:
    values = CheckedLink(url=URL, bot_username="quiz_bot", alive=True, program=program())
    return values.model_copy(update=changes)


def operated(**changes: Any) -> OperatedAccount:
    values = OperatedAccount(
        id=AccountId(1001), name="Vera", username="vera", state="ready", served_by="bridge-1", channels=2, free=478
    )
    return values.model_copy(update=changes)


def waiting(number: int = 9, **changes: Any) -> Registration:
    values = Registration(
        id=RegistrationId(number), state="waiting", channel_id=5000001, title="Quiet Gardens", person_id=1002
    )
    return values.model_copy(update=changes)


def operations(*accounts: OperatedAccount, **changes: Any) -> Operations:
    values = Operations(
        accounts=list(accounts), dead_letters=0, registrations=[], registrations_waiting=0, people=3, banned=[]
    )
    return values.model_copy(update=changes)


def checked(screen: Screen) -> Screen:
    """The screen, once it is sure that Telegram would take it."""
    assert len(HtmlParser(screen.text).parse()[0]) <= 4096
    parse_inline([[_fields(button.text, button.action) for button in row] for row in screen.rows])
    return screen


def _fields(text: str, action: object) -> dict[str, object]:
    match action:
        case Url(address):
            return {"text": text, "url": address}
        case Copy(copied):
            return {"text": text, "copy_text": {"text": copied}}
        case callback:
            return {"text": text, "callback_data": callback.pack()}  # type: ignore[attr-defined] # the third kind


def words(screen: Screen) -> str:
    """What a person reads."""
    return unescape(HtmlParser(screen.text).parse()[0])


def labels(screen: Screen) -> list[str]:
    return [button.text for row in screen.rows for button in row]


def actions(screen: Screen) -> list[object]:
    return [button.action for row in screen.rows for button in row]


# -- channels -------------------------------------------------------------------------------------------------

CHANNEL_ID = 5000001
OUR_CHANNEL = Balance(id=BalanceId(1), kind="channel", title="Garden", channel_id=CHANNEL_ID)
ACCOUNT = Account(id=AccountId(1001), name="Vera", username="vera_bridge")


def channel(**changes: Any) -> Channel:
    values = Channel(balance=OUR_CHANNEL, health="ok", links=2, checked_at=NOW, account=ACCOUNT)
    return values.model_copy(update=changes)


def channel_page(*, other_managers: int = 0, **changes: Any) -> ChannelPage:
    return ChannelPage(channel=channel(**changes), other_managers=other_managers)


def channels(*found: Channel, registrations: tuple[Registration, ...] = ()) -> Channels:
    return Channels(channels=list(found), registrations=list(registrations))


def registration(**changes: Any) -> Registration:
    values = Registration(
        id=RegistrationId(5), state="picked", channel_id=CHANNEL_ID, title="Garden", account=ACCOUNT, person_id=2001
    )
    return values.model_copy(update=changes)


def registering(*, added: bool = False, **changes: Any) -> RegistrationPage:
    if changes.get("state") == "verified":
        changes = {"balance_id": OUR_CHANNEL.id, **changes}
    return RegistrationPage(registration=registration(**changes), added=added)
