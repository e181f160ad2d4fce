"""The person's channels: all of them, one of them, and taking the bridge out of one."""

from bot.callbacks import (
    AskRemove,
    ChannelsPage,
    ChooseRemoval,
    ConfirmRemoval,
    ContinueRegistration,
    OpenChannel,
    RegisterChannel,
)
from bot.i18n import Html, Texts
from bot.screens.layout import Button, Screen, lines, pager, paragraphs, part, rows_of
from bot.screens.menu import add_channel_button, browse_button, links_button
from mtproto_bridge.protocol.replies import (
    Account,
    Balance,
    Channel,
    ChannelPage,
    ChannelRemoved,
    Channels,
    Health,
    Registration,
)

PAGE_SIZE = 8
MARKS: dict[Health, str] = {
    "ok": "🟢",
    "rights_missing": "🟡",
    "unreachable": "🔴",
    "account_lost": "🔴",
    "frozen": "🟡",
}
_HEALTH: dict[Health, str] = {
    "ok": "channel.health_ok",
    "rights_missing": "channel.health_rights_missing",
    "unreachable": "channel.health_unreachable",
    "account_lost": "channel.health_account_lost",
    "frozen": "channel.health_frozen",
}


def channels_button(texts: Texts, page: int = 0) -> Button:
    """Back to the list."""
    return Button(texts.plain("channels.back_button"), ChannelsPage(page=page))


def channels_page(texts: Texts, found: Channels, page: int = 0) -> Screen:
    """One page of channels with their health, a button each; registrations under way come first."""
    if not found.channels and not found.registrations:
        return Screen(texts("channels.empty"), rows_of([add_channel_button(texts)], [browse_button(texts)]))
    shown, page, pages = part(found.channels, page, PAGE_SIZE)
    begun = found.registrations[:PAGE_SIZE]
    text = paragraphs(
        texts.count("channels.title", len(found.channels)),
        lines(*(_begun(texts, one) for one in begun)),
        *(_item(texts, channel) for channel in shown),
    )
    rows = rows_of(
        *([_continue_button(texts, one)] for one in begun),
        *([_row_button(texts, channel, page)] for channel in shown),
        *pager(texts, page, pages, lambda to: ChannelsPage(page=to)),
        [add_channel_button(texts)],
    )
    return Screen(text, rows)


def _begun(texts: Texts, registration: Registration) -> Html:
    waiting = registration.state == "waiting"
    return texts("channels.waiting" if waiting else "channels.begun", channel=registration.title)


def _continue_button(texts: Texts, registration: Registration) -> Button:
    text = texts.plain("channels.continue_button", channel=registration.title)
    return Button(text, ContinueRegistration(registration_id=registration.id))


def _item(texts: Texts, channel: Channel) -> Html:
    return lines(
        texts("channels.item", mark=MARKS[channel.health], channel=channel.balance.title),
        texts.count("channel.links", channel.links),
        texts("channels.item_ill") if channel.health != "ok" else None,
    )


def _row_button(texts: Texts, channel: Channel, page: int) -> Button:
    text = texts.plain("channels.item_button", mark=MARKS[channel.health], channel=channel.balance.title)
    return Button(text, OpenChannel(balance_id=channel.balance.id, page=page))


# -- one channel ----------------------------------------------------------------------------------------------


def channel_page(texts: Texts, found: ChannelPage, *, note: str | None = None, page: int = 0) -> Screen:
    """One channel with its health in words; `note` is a message id, `page` the list's page to go back to."""
    channel = found.channel
    text = paragraphs(
        texts(note) if note else None,
        texts("channel.title", mark=MARKS[channel.health], channel=channel.balance.title),
        health_text(texts, channel.balance, channel.health, channel.account.name, channel.account.username),
        lines(
            texts.count("channel.links", channel.links),
            texts.count("channel.other_managers", found.other_managers) if found.other_managers else None,
            texts("channel.checked", date=texts.moment(channel.checked_at)) if channel.checked_at else None,
        ),
    )
    check = OpenChannel(balance_id=channel.balance.id, page=page)
    rows = rows_of(
        [reconnect_button(texts, channel.balance, channel.health)],
        [
            Button(texts.plain("channel.check_button"), check),
            Button(texts.plain("channel.remove_button"), AskRemove(balance_id=channel.balance.id, page=page)),
        ],
        [browse_button(texts), links_button(texts)],
        [channels_button(texts, page)],
    )
    return Screen(text, rows)


def health_text(texts: Texts, balance: Balance, health: Health, name: str, username: str | None) -> Html:
    """What is the matter with a channel, and how to give back what was lost."""
    return texts(_HEALTH[health], channel=balance.title, account=account_name(texts, name, username))


def account_name(texts: Texts, name: str, username: str | None) -> Html:
    """The bridge's account as a channel's owner finds it among the administrators."""
    return texts("channel.account", name=name, username=username) if username else texts("channel.unnamed", name=name)


def named(texts: Texts, account: Account) -> Html:
    """The same, of an account as it travels."""
    return account_name(texts, account.name, account.username)


def reconnect_button(texts: Texts, balance: Balance, health: Health) -> Button | None:
    """Register it once more, where that mends something."""
    if health in ("ok", "frozen") or balance.channel_id is None:
        return None
    return Button(texts.plain("channel.reconnect_button"), RegisterChannel(channel_id=balance.channel_id))


# -- removing -------------------------------------------------------------------------------------------------


def ask_removal(texts: Texts, found: ChannelPage, page: int = 0) -> Screen:
    """What should become of the links?"""
    balance = found.channel.balance
    text = texts("removal.ask", channel=balance.title, links=texts.count("channel.links", found.channel.links))
    rows = rows_of(
        [Button(texts.plain("removal.revoke_button"), ChooseRemoval(balance_id=balance.id, revoke_links=True))],
        [Button(texts.plain("removal.earn_button"), ChooseRemoval(balance_id=balance.id, revoke_links=False))],
        [Button(texts.plain("removal.keep_button"), OpenChannel(balance_id=balance.id, page=page))],
    )
    return Screen(text, rows)


def confirm_removal(
    texts: Texts, found: ChannelPage, nonce: str, *, revoke_links: bool, note: str | None = None
) -> Screen:
    """What will be true after removing; nothing has happened yet. `note` is a message id."""
    balance, links = found.channel.balance, found.channel.links
    consequence = "removal.confirm_revoke" if revoke_links else "removal.confirm_earn"
    text = paragraphs(
        texts(note) if note else None,
        texts("removal.title", channel=balance.title),
        texts(consequence, links=texts.count("channel.links", links)) if links else None,
        texts("removal.confirm"),
    )
    yes = ConfirmRemoval(balance_id=balance.id, revoke_links=revoke_links, nonce=nonce)
    rows = rows_of(
        [Button(texts.plain("removal.yes_button"), yes)],
        [Button(texts.plain("removal.keep_button"), OpenChannel(balance_id=balance.id))],
    )
    return Screen(text, rows)


def removing(texts: Texts) -> Screen:
    """Shown while it goes on; without buttons, so that nobody taps twice."""
    return Screen(texts("removal.progress"))


def removed(texts: Texts, done: ChannelRemoved) -> Screen:
    """It is removed; what became of the links."""
    text = paragraphs(
        texts("removal.done", channel=done.title) if done.title else texts("removal.done_unnamed"),
        texts.count("removal.revoked", done.revoked) if done.revoked else None,
        texts.count("removal.left_earning", done.left_earning) if done.left_earning else None,
    )
    return Screen(text, rows_of([add_channel_button(texts)], [channels_button(texts)]))
