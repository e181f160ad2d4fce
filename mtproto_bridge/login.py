"""The console in which an operator logs an account in: by QR code, or by phone and code. Never in a chat."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.actions.life import logged_in
from mtproto_bridge.actions.our_bot import press_start
from mtproto_bridge.app import QueueError, connector, database_url, outages_told, queue_server
from mtproto_bridge.console import Console
from mtproto_bridge.handling import OurBot
from mtproto_bridge.overview import printable
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue.embedded import EmbeddedServerError
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.our_bot import our_bot
from mtproto_bridge.settings import BridgeSettings
from mtproto_bridge.store import Store, accounts, balances, open_store, registrations
from mtproto_bridge.telegram.gateway import AccountLost, FloodWait, Gateway, Me, NotReached, OwnChannel, Refused
from mtproto_bridge.telegram.key_file import locked
from mtproto_bridge.telegram.login import Login, LoginRefused, Step
from mtproto_bridge.telegram.sessions import KeyRing, SessionKeyError

SENTENCES = {
    "SESSION_PASSWORD_NEEDED": "This account has a two-step password.",
    "PHONE_NUMBER_INVALID": "Telegram does not know this phone number. Write it with its country code: +49…",
    "PHONE_NUMBER_UNOCCUPIED": "No Telegram account has this phone number. Make one in the app first.",
    "PHONE_NUMBER_BANNED": "Telegram has banned this phone number. Use another account.",
    "PHONE_NUMBER_FLOOD": "Too many codes were asked for with this phone number. Use a QR code, or wait a day.",
    "PHONE_PASSWORD_FLOOD": "Too many log-ins with this phone number. Use a QR code, or wait a day.",
    "PHONE_PASSWORD_PROTECTED": "Telegram sends no code to this phone number. Log in by QR code instead.",
    "PHONE_CODE_INVALID": "That is not the code. Look again: it is the newest message from Telegram.",
    "PHONE_CODE_EMPTY": "A code is needed: it is in the newest message from Telegram.",
    "PHONE_CODE_EXPIRED": "That code has expired. Give the phone number again, and Telegram sends a new one.",
    "CODE_NOT_SENT": "Telegram sends no code to an application like this one for that account. Use a QR code instead.",
    "SMS_CODE_CREATE_FAILED": "Telegram could not send the code. Try again, or use a QR code.",
    "PASSWORD_HASH_INVALID": "That is not the two-step password.",
    "SRP_ID_INVALID": "That took too long. Enter the two-step password again.",
    "SRP_PASSWORD_CHANGED": "The two-step password was changed just now. Enter the new one.",
    "AUTH_TOKEN_INVALID": "That QR code is not good any more. Have a new one drawn.",
    "AUTH_TOKEN_INVALID1": "That QR code is not good any more. Have a new one drawn.",
    "AUTH_TOKEN_INVALIDX": "That QR code is not good any more. Have a new one drawn.",
    "AUTH_TOKEN_EXPIRED": "That QR code has expired. Have a new one drawn.",
    "AUTH_TOKEN_ALREADY_ACCEPTED": "That QR code was used before. Have a new one drawn.",
    "AUTH_RESTART": "Telegram asks to begin again.",
    "AUTH_KEY_UNREGISTERED": "Telegram has ended this log-in. Begin again.",
    "SESSION_REVOKED": "This log-in was ended from another device. Begin again.",
    "USER_DEACTIVATED": "This account was deleted. Use another one.",
    "USER_DEACTIVATED_BAN": "Telegram has banned this account. Use another one.",
    "API_ID_INVALID": "API_ID and API_HASH do not belong together: copy both again from https://my.telegram.org/apps.",
    "CONNECTION_API_ID_INVALID": "Telegram knows no such API_ID: copy it again from https://my.telegram.org/apps.",
    "API_ID_PUBLISHED_FLOOD": "This API_ID was published somewhere and is blocked: create one of your own at "
    "https://my.telegram.org/apps.",
    "UPDATE_APP_TO_LOGIN": "Telegram wants a newer Starling for this log-in: update it, then try again.",
    "BOT": "That is a bot; affiliate programs need the account of a person.",
    "NOT_SCANNED": "Nobody has scanned a code.",
}
"""By Telegram's words, and a few of our own."""

SCAN = "In Telegram on the account's phone: Settings, Devices, Link Desktop Device. Then scan this (Ctrl-C ends it):"
MOST_CODES = 20
"""QR codes drawn one after the other, half a minute each, until the operator is asked again."""
BOT_TOKEN = re.compile(r"\d+:\S+")
TROUBLE = (Refused, FloodWait, AccountLost, NotReached)

Sleep = Callable[[float], Awaitable[None]]


async def login(settings: BridgeSettings, console: Console, sleep: Sleep = asyncio.sleep) -> int:
    """Log one account in and keep its session sealed; answers the exit code.

    Whatever ends it before that, a cancellation too: a session that was signed in is logged out at Telegram.

    Raises:
        StoreError, SessionKeyError, ServerSettingError: with a sentence.
    """
    _, created = KeyRing.load_or_create(settings.session_key_file)
    path = settings.session_key_file.absolute()
    console.say(f"Sessions are sealed with the key in {path}" + (" (made just now)." if created else "."))
    console.say("Keep it apart from the data: with both, anybody is the account; without it, the data opens nothing.")
    store = await open_store(database_url(settings))
    attempt = Login(connector(settings), sleep)
    try:
        if not await _sign_in(attempt, console):
            return 1
        return await _keep(attempt, store, settings, console)
    except NotReached:
        console.say("Telegram cannot be reached from here. Check the network and try again.")
        return 1
    except (Refused, FloodWait, AccountLost) as error:
        console.say(f"Telegram broke the log-in off ({error}). Nothing was logged in.")
        return 1
    except EOFError:
        console.say("Nothing was logged in.")
        return 1
    finally:
        try:
            if not await attempt.close():
                console.say("It may be logged in at Telegram: see Settings, Devices, and end Starling bridge there.")
        finally:
            await store.close()


# -- signing in -------------------------------------------------------------------------------------------------------


async def _sign_in(attempt: Login, console: Console) -> bool:
    try:
        await attempt.connect()
    except LoginRefused as refused:
        console.say(_sentence(refused))
        return False
    step = Step.WAY
    while step is not Step.DONE:
        try:
            step = await _take(attempt, step, console)
        except LoginRefused as refused:
            console.say(_sentence(refused))
            if refused.step is None:
                return False
            step = refused.step
    return True


async def _take(attempt: Login, step: Step, console: Console) -> Step:
    if step is Step.WAY:
        phone = console.ask("Press Enter for a QR code to scan, or give the phone number with its country code: ")
        if not phone:
            return await _scan(attempt, console)
        if BOT_TOKEN.fullmatch(phone):
            raise LoginRefused("BOT", Step.WAY)
        return await attempt.send_code(phone)
    if step is Step.CODE:
        code = console.ask("Code that Telegram sent: ", secret=True)
        if not code:
            raise LoginRefused("PHONE_CODE_EMPTY", Step.CODE)
        return await attempt.enter_code(code)
    hint = printable(await attempt.password_hint())
    password = console.ask(f"Two-step password (hint: {hint}): " if hint else "Two-step password: ", secret=True)
    if not password:
        raise LoginRefused("PASSWORD_HASH_INVALID", Step.PASSWORD)
    return await attempt.enter_password(password)


async def _scan(attempt: Login, console: Console) -> Step:
    """Show one code after the other until one is scanned: each is good for about half a minute."""
    console.say(SCAN)
    for _ in range(MOST_CODES):
        code = await attempt.qr_code()
        if code is None:
            return Step.DONE
        console.show(code.url)
        await attempt.scanned(code)
    raise LoginRefused("NOT_SCANNED", Step.WAY)


def _sentence(refused: LoginRefused) -> str:
    if refused.seconds is not None:
        return f"Telegram asks to wait {refused.seconds} seconds before the next try."
    return SENTENCES.get(refused.words, f"Telegram refused with {refused.words}.")


# -- keeping it -------------------------------------------------------------------------------------------------------


async def _keep(attempt: Login, store: Store, settings: BridgeSettings, console: Console) -> int:
    me = await attempt.me()
    if me.is_bot:
        console.say(SENTENCES["BOT"])
        return 1
    saved = await _save(attempt, store, settings, me)
    if saved is None:
        console.say(f"{printable(me.name)} ({me.id}) is logged in here already; this second log-in is ended again.")
        console.say(f"To log it in anew, remove it first: `python -m mtproto_bridge accounts remove {me.id}`.")
        return 1
    console.say(f"Logged in as {printable(me.name)}; the sealed session is in the store.")
    try:
        await _register_channels(attempt, store, me, console)
        await _learn_more(attempt.gateway(), store, me)
        await _start_bot(attempt, store, me, settings, console)
    finally:
        await attempt.close()  # Telegram voids a key that is used from two places: now it is the bridge's
        await _hand_over(store, settings, saved)
    return 0


@dataclass(frozen=True)
class _Saved:
    """An account that was kept, and the state it was in before."""

    account: AccountId
    before: str | None


async def _save(attempt: Login, store: Store, settings: BridgeSettings, me: Me) -> _Saved | None:
    """Keep the session, unless the account has one already that we can use.

    First of all: log-ins are few a day. And with the newest key: the one we began with may be gone by now.
    """
    session, learned = attempt.result(me)
    key_file = settings.session_key_file
    async with locked(key_file), store.begin() as unit:
        ring = KeyRing.load(key_file)
        known = await accounts.get_account(unit, me.id)
        if known and known.state in accounts.SERVING and _opens(ring, me.id, known.session):
            return None
        sealed, name, username = ring.seal(session), me.name, me.username
        before = await accounts.save_account(unit, me.id, name=name, username=username, sealed=sealed, arriving=True)
        await accounts.save_peers(unit, me.id, learned)
    attempt.kept = True
    return _Saved(me.id, before)


async def _hand_over(store: Store, settings: BridgeSettings, saved: _Saved) -> None:
    """From now on bridges serve it."""
    account, before = saved.account, saved.before
    async with store.begin() as unit:
        await accounts.set_state(unit, account, before="arriving", after=accounts.arrived(before))
        await logged_in(unit, account, before=before, operators=settings.operator_ids, now=datetime.now(UTC))


def _opens(ring: KeyRing, account: AccountId, sealed: bytes) -> bool:
    """Whether a session is of any use: its key may be lost."""
    try:
        ring.open(account, sealed)
    except SessionKeyError:
        return False
    return True


async def _register_channels(attempt: Login, store: Store, me: Me, console: Console) -> None:
    try:
        channels = await attempt.channels()
    except TROUBLE as error:
        await _register(store, me, {})
        console.say(f"Its channels could not be read now ({error}): to register them, remove it and log it in again.")
        return
    _, learned = attempt.result(me)
    async with store.begin() as unit:
        await accounts.save_peers(unit, me.id, learned)
    taken = await _register(store, me, channels)
    for channel in channels:
        title = printable(channel.title)
        if channel in taken:
            console.say(f"  registered the channel {title}: its admins with the right to post can use it")
        else:
            console.say(
                f"  left the channel {title} as it is: another account serves it, or somebody is registering it"
            )


async def _learn_more(gateway: Gateway, store: Store, me: Me) -> None:
    """What Telegram lets it do, and the bots it owns. What cannot be read now, the bridge reads later."""
    with suppress(*TROUBLE):
        may, bots = await gateway.capabilities(), await gateway.own_bots()
        async with store.begin() as unit:
            await accounts.note_allowed(unit, me.id, premium=may.premium, may_connect=may.may_connect, at=None)
            await balances.register_bots(unit, me.id, bots)


async def _register(store: Store, me: Me, channels: dict[OwnChannel, set[int]]) -> list[OwnChannel]:
    """Write down the balances the operator hands over by logging in: the account, and what it may post in.

    Answers which channels those are.
    """
    async with store.begin() as unit:
        await balances.register(
            unit,
            kind="account",
            peer_id=me.id,
            title=me.name,
            username=me.username,
            account=me.id,
            managers=[me.id],
        )
        taken = [one for one in channels if await _is_for_taking(unit, me, one.peer_id)]
        for channel in taken:
            await balances.register(
                unit,
                kind="channel",
                peer_id=channel.peer_id,
                title=channel.title,
                username=channel.username,
                account=me.id,
                managers=channels[channel],
            )
    return taken


async def _is_for_taking(unit: AsyncSession, me: Me, channel_id: int) -> bool:
    """Whether no other account serves the channel, and nobody is registering it: that has rules of its own."""
    served = await balances.of_channel(unit, channel_id)
    if served is None:
        return not await registrations.is_begun(unit, channel_id, datetime.now(UTC))
    balance, state = served
    return balance.account_id == me.id or state not in (*accounts.SERVING, "arriving")


# -- our bot ----------------------------------------------------------------------------------------------------------


async def _start_bot(attempt: Login, store: Store, me: Me, settings: BridgeSettings, console: Console) -> None:
    """Make the account known to our bot. Nothing is lost when that does not work: it is done when first needed."""
    bot = await _known_bot(settings)
    if bot is None:
        console.say("It presses Start at the bot when it is first needed: no bot has been heard of yet.")
        return
    try:
        if await press_start(attempt.gateway(), store, me.id, bot):
            console.say(f"It pressed Start at @{bot.username}, which knows it from now on.")
    except TROUBLE as error:
        console.say(f"It could not press Start at @{bot.username} now ({error}): it does when it is first needed.")


async def _known_bot(settings: BridgeSettings) -> OurBot | None:
    try:
        async with queue_server(settings) as server:
            with outages_told():
                return await our_bot(server, Keys(settings.queue_prefix))
    except (QueueError, EmbeddedServerError):
        return None
