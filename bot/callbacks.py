"""What our buttons carry. Telegram gives a button 64 bytes, so the ids in it are written in base 36.

A button's data comes back from the person's device and may be forged: it says what is wanted, never who wants
it or whether they may. That is asked of the bridge each time.
"""

from typing import Annotated, Literal, Self, get_args

from aiogram.filters.callback_data import CallbackData
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from bot.i18n import tidy
from mtproto_bridge.protocol.ids import AffiliationId, BalanceId, BotId, RegistrationId, WatchedId
from mtproto_bridge.protocol.requests import ProgramSort, Sort

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_INT64 = 2**63
_SORTS = {sort[0]: sort for sort in get_args(ProgramSort)}
_ORDERS = {sort[0]: sort for sort in get_args(Sort)}
LONGEST_WORDS = 41
"""Bytes of a search that fit into a button beside everything else."""


def _written(number: int) -> str:
    digits = ""
    rest = abs(number)
    while rest or not digits:
        rest, digit = divmod(rest, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return f"-{digits}" if number < 0 else digits


def _read(written: object) -> object:
    return int(written, len(_DIGITS)) if isinstance(written, str) else written


def _fitting(words: str) -> str:
    """Words to search for, cut to what fits: what is found then still has all that was written."""
    plain = tidy(words.replace(":", " ")).encode(errors="ignore")
    return plain[:LONGEST_WORDS].decode(errors="ignore").strip()


_Int64 = Field(ge=-_INT64, lt=_INT64)
_Balance = Annotated[BalanceId, _Int64, BeforeValidator(_read), PlainSerializer(_written)]
_Affiliation = Annotated[AffiliationId, _Int64, BeforeValidator(_read), PlainSerializer(_written)]
_Bot = Annotated[BotId, _Int64, BeforeValidator(_read), PlainSerializer(_written)]
_Registration = Annotated[RegistrationId, _Int64, BeforeValidator(_read), PlainSerializer(_written)]
_Channel = Annotated[int, Field(gt=0, lt=_INT64), BeforeValidator(_read), PlainSerializer(_written)]
_Watched = Annotated[WatchedId, _Int64, BeforeValidator(_read), PlainSerializer(_written)]
_Person = Annotated[int, _Int64, BeforeValidator(_read), PlainSerializer(_written)]
_Username = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,32}$")]
_Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,28}$")]
_Nonce = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{14}$")]
_Tag = Annotated[str, Field(pattern=r"^[A-Za-z_]{0,16}$")]
_Page = Annotated[int, Field(ge=0, le=9_999)]
_Sort = Annotated[
    ProgramSort, BeforeValidator(lambda written: _SORTS.get(written, written)), PlainSerializer(lambda sort: sort[0])
]
_Order = Annotated[
    Sort, BeforeValidator(lambda written: _ORDERS.get(written, written)), PlainSerializer(lambda sort: sort[0])
]
_Permille = Annotated[int, Field(ge=0, le=1_000), BeforeValidator(_read), PlainSerializer(_written)]
_Crawl = Annotated[int, Field(ge=0, lt=len(_DIGITS) ** 7), BeforeValidator(_read), PlainSerializer(_written)]
_Words = Annotated[str, AfterValidator(_fitting)]
Extra = Literal["picture", "post"]
"""What helps to share a link, as a message of its own."""


class ButtonData(CallbackData, prefix="-"):
    """What a button carries. A button lives as long as its message, so what a kind has it keeps, in that order.

    New fields come last and have a default, which is what a button from before them means.
    """

    @classmethod
    def unpack(cls, value: str) -> Self:
        """Read it back.

        Raises:
            ValueError: it is no button of this kind.
        """
        prefix, *parts = value.split(cls.__separator__)
        if prefix != cls.__prefix__ or len(parts) > len(cls.model_fields):
            raise ValueError(f"no button {cls.__prefix__}")
        return cls.model_validate(dict(zip(cls.model_fields, parts, strict=False)))


class Menu(ButtonData, prefix="m"):
    """One of the screens that need nothing more."""

    to: Literal["start", "help"]


class ChooseLanguage(ButtonData, prefix="lg"):
    """Be spoken to in a language from now on."""

    tag: _Tag = ""
    """Empty: in the one of the person's Telegram app."""


class AskForget(ButtonData, prefix="fa"):
    """Draw the confirmation of being forgotten."""


class ConfirmForget(ButtonData, prefix="fc"):
    """Forget the person; acts once."""

    nonce: _Nonce


class ProgramsPage(ButtonData, prefix="pp"):
    """A page of programs: of those that are wanted, in one of Telegram's orders, of one reading of its lists.

    The whole search is in the button, so a button of any age does what it says, whatever was searched for since.
    """

    page: _Page = 0
    sort: _Sort = "profit"
    min_permille: _Permille = 0
    forever: bool = False
    crawl: _Crawl = 0
    """0: the newest reading."""
    words: _Words = ""

    def anew(self, **wanted: object) -> Self:
        """The first page of the newest reading, with something else wanted."""
        return self.model_validate(self.model_dump() | {"page": 0, "crawl": 0} | wanted)


class SearchPrograms(ProgramsPage, prefix="ps"):
    """Ask for words to search for in this list."""


class OpenProgram(ButtonData, prefix="p"):
    """A program's card."""

    bot_id: _Bot


class FindProgram(ButtonData, prefix="pu"):
    """A program's card, by the app's username: for trying a search again."""

    username: _Username


class ChooseBalance(ButtonData, prefix="jb"):
    """Which balance should earn?"""

    bot_id: _Bot
    page: _Page = 0


class AskJoin(ButtonData, prefix="ja"):
    """Draw the confirmation of a join."""

    balance_id: _Balance
    bot_id: _Bot


class AcceptTerms(ButtonData, prefix="jt"):
    """Accept the terms of that version, and go on to the confirmation of a join."""

    balance_id: _Balance
    bot_id: _Bot
    version: Annotated[int, Field(ge=1, le=9_999)]


class ConfirmJoin(ButtonData, prefix="jc"):
    """Join; acts once."""

    balance_id: _Balance
    bot_id: _Bot
    nonce: _Nonce


class LinksPage(ButtonData, prefix="lp"):
    """A page of the person's links, watched ones among them, in an order."""

    page: _Page = 0
    order: _Order = "date"


class OpenLink(ButtonData, prefix="l"):
    """A link's page, and the page of the list to go back to."""

    balance_id: _Balance
    bot_id: _Bot
    page: _Page = 0
    order: _Order = "date"


class LinkExtra(ButtonData, prefix="le"):
    """What helps to share a balance's link, as a message of its own."""

    balance_id: _Balance
    bot_id: _Bot
    what: Extra


class AskRevoke(ButtonData, prefix="ra"):
    """Draw the confirmation of a revoke."""

    balance_id: _Balance
    bot_id: _Bot
    page: _Page = 0
    order: _Order = "date"


class ConfirmRevoke(ButtonData, prefix="rc"):
    """Revoke that one link; acts once."""

    balance_id: _Balance
    bot_id: _Bot
    affiliation_id: _Affiliation
    nonce: _Nonce


class ChannelsPage(ButtonData, prefix="cp"):
    """A page of the person's channels."""

    page: _Page = 0


class AddChannel(ButtonData, prefix="ca"):
    """Show Telegram's own picker of channels."""


class OpenChannel(ButtonData, prefix="c"):
    """A channel's page, and the page of the list to go back to."""

    balance_id: _Balance
    page: _Page = 0


class AskRemove(ButtonData, prefix="cx"):
    """What should become of the channel's links?"""

    balance_id: _Balance
    page: _Page = 0


class ChooseRemoval(ButtonData, prefix="cy"):
    """Draw the confirmation of a removal."""

    balance_id: _Balance
    revoke_links: bool


class ConfirmRemoval(ButtonData, prefix="cz"):
    """Remove the channel; acts once."""

    balance_id: _Balance
    revoke_links: bool
    nonce: _Nonce


class BotLeaves(ButtonData, prefix="cl"):
    """The bot leaves a channel that is ready."""

    balance_id: _Balance


class RegisterChannel(ButtonData, prefix="rs"):
    """Register a channel that was picked before, without picking it again."""

    channel_id: _Channel


class ContinueRegistration(ButtonData, prefix="rg"):
    """Go on with a registration from where it stands."""

    registration_id: _Registration


class Decide(ButtonData, prefix="rd"):
    """The operator's word on a registration."""

    registration_id: _Registration
    approve: bool


class OwnBalance(ButtonData, prefix="wo"):
    """How to join a program with one's own account, in Telegram itself."""

    bot_id: _Bot


class CheckReferral(ButtonData, prefix="wc"):
    """Whether a referral link is alive. Telegram's tokens have 12 characters; one past 28 would not fit."""

    username: _Username
    token: _Token


class KeepReferral(ButtonData, prefix="wk"):
    """Have a referral link watched."""

    username: _Username
    token: _Token


class WatchedLinks(ButtonData, prefix="wl"):
    """The person's watched links, which once were a list of their own: no new button carries it."""

    page: _Page = 0


class OpenWatched(ButtonData, prefix="w"):
    """A watched link's page, and the page of the list to go back to."""

    watched_id: _Watched
    page: _Page = 0
    order: _Order = "date"


class ForgetWatched(ButtonData, prefix="wf"):
    """Watch a link no more."""

    watched_id: _Watched
    page: _Page = 0
    order: _Order = "date"


class WatchedExtra(ButtonData, prefix="we"):
    """What helps to share a watched link, as a message of its own."""

    watched_id: _Watched
    what: Extra


class OperatorPage(ButtonData, prefix="op"):
    """How everything is doing, for operators; a page of accounts."""

    page: _Page = 0


class Ban(ButtonData, prefix="ob"):
    """Let a person use the bot no more, or again."""

    person_id: _Person
    banned: bool


ALL: tuple[type[CallbackData], ...] = (
    Menu,
    ChooseLanguage,
    AskForget,
    ConfirmForget,
    ProgramsPage,
    SearchPrograms,
    OpenProgram,
    FindProgram,
    ChooseBalance,
    AskJoin,
    AcceptTerms,
    ConfirmJoin,
    LinksPage,
    OpenLink,
    LinkExtra,
    AskRevoke,
    ConfirmRevoke,
    ChannelsPage,
    AddChannel,
    OpenChannel,
    AskRemove,
    ChooseRemoval,
    ConfirmRemoval,
    BotLeaves,
    RegisterChannel,
    ContinueRegistration,
    Decide,
    OwnBalance,
    CheckReferral,
    KeepReferral,
    WatchedLinks,
    OpenWatched,
    ForgetWatched,
    WatchedExtra,
    OperatorPage,
    Ban,
)
"""Every kind of button; the tests prove each fits."""
