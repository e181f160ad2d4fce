"""The console in which an operator logs an account in: phone, code, two-step password. Never in a chat."""

import getpass
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from mtproto_bridge.app import connector, database_url
from mtproto_bridge.settings import BridgeSettings
from mtproto_bridge.store import Store, accounts, balances, open_store
from mtproto_bridge.telegram.gateway import FloodWait, Me, NotReached, OwnChannel, Refused
from mtproto_bridge.telegram.key_file import locked
from mtproto_bridge.telegram.login import Login, LoginRefused, Step
from mtproto_bridge.telegram.sessions import KeyRing

SENTENCES = {
    "PHONE_NUMBER_INVALID": "Telegram does not know this phone number. Write it with its country code: +49…",
    "PHONE_NUMBER_UNOCCUPIED": "No Telegram account has this phone number. Make one in the app first.",
    "PHONE_NUMBER_BANNED": "Telegram has banned this phone number. Use another account.",
    "PHONE_CODE_INVALID": "That is not the code. Look again: it is the newest message from Telegram.",
    "PHONE_CODE_EMPTY": "A code is needed: it is in the newest message from Telegram.",
    "PHONE_CODE_EXPIRED": "That code has expired. A new one will be sent.",
    "PASSWORD_HASH_INVALID": "That is not the two-step password.",
    "SRP_ID_INVALID": "That took too long. Enter the two-step password again.",
    "API_ID_INVALID": "API_ID and API_HASH do not belong together: copy both again from https://my.telegram.org/apps.",
    "CONNECTION_API_ID_INVALID": "Telegram knows no such API_ID: copy it again from https://my.telegram.org/apps.",
    "API_ID_PUBLISHED_FLOOD": "This API_ID was published somewhere and is blocked: create one of your own at "
    "https://my.telegram.org/apps.",
}


class Console(Protocol):
    """Where the operator is asked and told."""

    def ask(self, question: str, *, secret: bool = False) -> str:
        """One line from the operator, not shown while typed when it is secret; raises EOFError at the end."""

    def say(self, text: str) -> None:
        """One line for the operator."""


class Terminal:
    """The operator's terminal; lines from a pipe do as well, for set-ups without one."""

    def ask(self, question: str, *, secret: bool = False) -> str:
        """One line from the operator."""
        if not sys.stdin.isatty():
            line = sys.stdin.readline()
            if not line:
                raise EOFError
            return line.strip()
        return (getpass.getpass(question) if secret else input(question)).strip()

    def say(self, text: str) -> None:
        """One line for the operator."""
        print(text, flush=True)  # noqa: T201 - this is a console


async def login(settings: BridgeSettings, console: Console) -> int:
    """Log one account in and keep its session sealed; answers the exit code."""
    _, created = KeyRing.load_or_create(settings.session_key_file)
    path = settings.session_key_file.absolute()
    console.say(f"Sessions are sealed with the key in {path}" + (" (made just now)." if created else "."))
    console.say("Keep it apart from the data: with both, anybody is the account; without it, the data opens nothing.")
    store = await open_store(database_url(settings))
    attempt = Login(connector(settings))
    try:
        if not await _sign_in(attempt, console):
            return 1
        return await _keep(attempt, store, settings.session_key_file, console)
    except NotReached:
        console.say("Telegram cannot be reached from here. Check the network and try again.")
        return 1
    except EOFError:
        console.say("Nothing was logged in.")
        return 1
    finally:
        await attempt.close()
        await store.close()


async def _sign_in(attempt: Login, console: Console) -> bool:
    try:
        await attempt.connect()
    except LoginRefused as refused:
        console.say(_sentence(refused))
        return False
    step = Step.PHONE
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
    if step is Step.PHONE:
        phone = console.ask("Phone number, with country code: ")
        if not any(one.isdecimal() for one in phone):  # Telethon would look for something else in it
            raise LoginRefused("PHONE_NUMBER_INVALID", Step.PHONE)
        return await attempt.send_code(phone)
    if step is Step.CODE:
        code = console.ask("Code that Telegram sent: ", secret=True)
        if not code:
            raise LoginRefused("PHONE_CODE_EMPTY", Step.CODE)
        return await attempt.enter_code(code)
    hint = await attempt.password_hint()
    password = console.ask(f"Two-step password (hint: {hint}): " if hint else "Two-step password: ", secret=True)
    if not password:
        raise LoginRefused("PASSWORD_HASH_INVALID", Step.PASSWORD)
    return await attempt.enter_password(password)


def _sentence(refused: LoginRefused) -> str:
    if refused.seconds is not None:
        return f"Telegram asks to wait {refused.seconds} seconds before the next try."
    return SENTENCES.get(refused.words, f"Telegram refused with {refused.words}.")


async def _keep(attempt: Login, store: Store, key_file: Path, console: Console) -> int:
    me = await attempt.me()
    if me.is_bot:
        console.say("That is a bot; affiliate programs need the account of a person.")
        return 1
    session, learned = attempt.result(me)
    # First of all: log-ins are few a day. And with the newest key: the one we began with may be gone by now.
    async with locked(key_file), store.begin() as unit:
        sealed = KeyRing.load(key_file).seal(session)
        await accounts.save_account(unit, me.id, name=me.name, username=me.username, sealed=sealed)
        await accounts.save_peers(unit, me.id, learned)
    console.say(f"Logged in as {me.name}; the sealed session is in the store.")
    await _learn_more(attempt, store, me)
    try:
        channels = await attempt.channels()
    except (Refused, FloodWait, NotReached) as error:
        await _register(store, me, {})
        console.say(f"Its channels could not be read now ({error}): log it in again later to register them.")
        return 0
    _, learned = attempt.result(me)
    async with store.begin() as unit:
        await accounts.save_peers(unit, me.id, learned)
    await _register(store, me, channels)
    for channel in channels:
        console.say(f"  registered the channel {channel.title}: its admins with the right to post can use it")
    return 0


async def _learn_more(attempt: Login, store: Store, me: Me) -> None:
    """What Telegram lets it do, and the bots it owns. What cannot be read now, the bridge reads later."""
    with suppress(Refused, FloodWait, NotReached):
        may, bots = await attempt.capabilities(), await attempt.bots()
        async with store.begin() as unit:
            at = datetime.now(UTC)
            await accounts.note_allowed(unit, me.id, premium=may.premium, may_connect=may.may_connect, at=at)
            for bot in bots:
                await balances.register(
                    unit,
                    kind="bot",
                    peer_id=bot.id,
                    title=bot.title,
                    username=bot.username,
                    account=me.id,
                    managers=[me.id],
                )


async def _register(store: Store, me: Me, channels: dict[OwnChannel, set[int]]) -> None:
    """Write down the balances the operator hands over by logging in: the account, and what it may post in."""
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
        for channel, admins in channels.items():
            await balances.register(
                unit,
                kind="channel",
                peer_id=channel.peer_id,
                title=channel.title,
                username=channel.username,
                account=me.id,
                managers=admins,
            )
