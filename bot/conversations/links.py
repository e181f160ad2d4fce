"""/links: the list, one link's page, revoking it."""

from collections.abc import Callable
from datetime import datetime

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.callbacks import AskRevoke, ConfirmRevoke, LinkExtra, LinksPage, OpenLink
from bot.conversations.paging import page_of
from bot.conversations.sharing import say_extra
from bot.screens import links
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import BridgeError, ErrorCode, Nonce
from mtproto_bridge.protocol.replies import Affiliations

Now = Callable[[], datetime]

OLD_BUTTON_NOTES = {
    ErrorCode.CONFIRMATION_EXPIRED: "revoke.note_expired",
    ErrorCode.CONFIRMATION_CHANGED: "revoke.note_changed",
}


async def command(_: Message, talk: Talk, bridge: BridgeClient) -> None:
    """/links."""
    await open_list(talk, bridge)


async def open_list(talk: Talk, bridge: BridgeClient, *, note: str | None = None) -> None:
    """Answer what was written with the list; `note` is a message id."""
    talk.again = LinksPage()
    await talk.working()
    await show_page(talk, bridge, LinksPage(), note=note)


async def turn(_: CallbackQuery, callback_data: LinksPage, talk: Talk, bridge: BridgeClient) -> None:
    """◀ ▶, another order, or the button that opens the list."""
    await show_page(talk, bridge, callback_data)


async def show_page(talk: Talk, bridge: BridgeClient, wanted: LinksPage, *, note: str | None = None) -> None:
    """A page of the list; `note` is a message id."""

    async def ask(page: int) -> Affiliations:
        return await bridge.list_affiliations(talk.caller, page=page, size=links.PAGE_SIZE, sort=wanted.order)

    await talk.show(links.links_page(talk.texts, await page_of(ask, wanted.page), note=note))


async def show(_: CallbackQuery, callback_data: OpenLink, talk: Talk, bridge: BridgeClient) -> None:
    """One link's page; also Refresh and Keep it."""
    found = await bridge.show_affiliation(talk.caller, callback_data.balance_id, callback_data.bot_id)
    await talk.show(links.link_page(talk.texts, found, back=_list_of(callback_data)))


def _list_of(pressed: OpenLink | AskRevoke) -> LinksPage:
    return LinksPage(page=pressed.page, order=pressed.order)


async def extra(_: CallbackQuery, callback_data: LinkExtra, talk: Talk, bridge: BridgeClient) -> None:
    """The QR code or the post, if the link is still alive."""
    balance_id, bot_id = callback_data.balance_id, callback_data.bot_id
    talk.again = OpenLink(balance_id=balance_id, bot_id=bot_id)
    found = await bridge.show_affiliation(talk.caller, balance_id, bot_id)
    link = found.affiliation
    if link.url and links.is_alive(link):
        await say_extra(talk, callback_data.what, link.bot_title, link.url)
    else:
        await talk.show(links.link_page(talk.texts, found))


async def ask(_: CallbackQuery, callback_data: AskRevoke, talk: Talk, bridge: BridgeClient, now: Now) -> None:
    """Revoke on the link's page."""
    await _ask(talk, bridge, now, callback_data)


async def _ask(talk: Talk, bridge: BridgeClient, now: Now, wanted: AskRevoke, *, note: str | None = None) -> None:
    """Draw the confirmation for the link there is now; a revoked one is shown as that."""
    found = await bridge.show_affiliation(talk.caller, wanted.balance_id, wanted.bot_id)
    if found.affiliation.revoked:
        screen = links.link_page(talk.texts, found, note=links.after_revoke(found), back=_list_of(wanted))
    else:
        screen = links.confirm_revoke(talk.texts, found, Nonce.mint(now()), note=note, back=_list_of(wanted))
    await talk.show(screen)


async def confirm(_: CallbackQuery, callback_data: ConfirmRevoke, talk: Talk, bridge: BridgeClient, now: Now) -> None:
    """The confirmation's button: the one place that revokes."""
    balance_id, bot_id = callback_data.balance_id, callback_data.bot_id
    talk.again = OpenLink(balance_id=balance_id, bot_id=bot_id)
    revoking = bridge.revoke(talk.caller, balance_id, callback_data.affiliation_id, callback_data.nonce)
    try:
        found = await talk.meanwhile(links.revoking(talk.texts), revoking)
        if found.replayed:  # a second tap: the balance may have joined again since
            found = await bridge.show_affiliation(talk.caller, balance_id, bot_id)
    except BridgeError as error:
        if error.code not in OLD_BUTTON_NOTES:
            raise
        anew = AskRevoke(balance_id=balance_id, bot_id=bot_id)
        await _ask(talk, bridge, now, anew, note=OLD_BUTTON_NOTES[error.code])
        return
    await talk.show(links.link_page(talk.texts, found, note=links.after_revoke(found)))


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="links")
    found.message.register(command, Command("links"))
    found.callback_query.register(turn, LinksPage.filter())
    found.callback_query.register(show, OpenLink.filter())
    found.callback_query.register(extra, LinkExtra.filter())
    found.callback_query.register(ask, AskRevoke.filter())
    found.callback_query.register(confirm, ConfirmRevoke.filter())
    return found
