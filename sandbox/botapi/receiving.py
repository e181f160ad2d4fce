"""Methods by which the bot gets its updates (core.telegram.org/bots/api#getting-updates)."""

import asyncio
import re
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from sandbox.botapi.call import Call
from sandbox.botapi.errors import bad_request
from sandbox.botapi.face import BotFace, Webhook, method
from sandbox.botapi.model import JsonObject
from sandbox.botapi.wire import unix

MAX_POLL_SECONDS = 50
MAX_PAGE = 100
SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
WEBHOOK_SECONDS = 10.0


@method("getUpdates", "offset", "limit", "timeout", "allowed_updates")
async def get_updates(face: BotFace, call: Call) -> list[JsonObject]:
    """core.telegram.org/bots/api#getupdates."""
    _allow(face, call)
    limit = min(max(call.integer("limit", MAX_PAGE), 1), MAX_PAGE)
    patience = min(max(call.integer("timeout", 0), 0), MAX_POLL_SECONDS)
    updates = await face.chats.updates.poll(call.integer("offset", 0), limit, patience)
    return [update.json() for update in updates]


@method("setWebhook", "url", "secret_token", "allowed_updates", "drop_pending_updates", "max_connections", "ip_address")
def set_webhook(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#setwebhook, to this machine only, and therefore without TLS if wanted."""
    url = call.text("url")
    address = urlsplit(url)
    if url and (address.scheme not in ("http", "https") or address.hostname not in LOOPBACK):
        raise bad_request("bad webhook: the sandbox delivers to 127.0.0.1, localhost and [::1] only")
    if not SECRET.fullmatch(call.text("secret_token")):
        raise bad_request("secret token contains unallowed characters")
    _allow(face, call)
    _switch(face, call, Webhook(url, call.text("secret_token")), "setWebhook request")
    return True


@method("deleteWebhook", "drop_pending_updates")
def delete_webhook(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#deletewebhook."""
    _switch(face, call, Webhook(), "")
    return True


@method("getWebhookInfo")
def get_webhook_info(face: BotFace, _: Call) -> JsonObject:
    """core.telegram.org/bots/api#getwebhookinfo."""
    hook, updates = face.webhook, face.chats.updates
    found: dict[str, object] = {
        "url": hook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(updates.pending),
    }
    if hook.last_error:
        found |= {"last_error_message": hook.last_error, "last_error_date": hook.last_error_at}
    if updates.allowed is not None:
        found["allowed_updates"] = sorted(updates.allowed)
    return found


def _allow(face: BotFace, call: Call) -> None:
    kinds = call.json("allowed_updates")
    if kinds is None:
        return
    if not isinstance(kinds, list):
        raise bad_request("can't parse allowed_updates: expected an Array of String")
    face.chats.updates.allow([str(kind) for kind in kinds])


def _switch(face: BotFace, call: Call, hook: Webhook, reason: str) -> None:
    face.webhook = hook
    face.chats.updates.webhook_url = hook.url
    if hook.url:
        face.chats.updates.end_poll(reason)
    if call.flag("drop_pending_updates"):
        face.chats.updates.drop_pending()


class Courier:
    """Carries updates to the webhook, one at a time and in order, again and again until they are taken."""

    def __init__(self, face: BotFace, *, retry_seconds: float = 1.0) -> None:
        self.face = face
        self.retry_seconds = retry_seconds
        self.webhook_set = asyncio.Event()

    async def run(self) -> None:
        """Deliver until cancelled."""
        timeout = ClientTimeout(total=WEBHOOK_SECONDS)
        async with ClientSession(timeout=timeout, trust_env=False) as session:
            while True:
                await self.face.chats.updates.arrived.wait()
                await self._wait_for_webhook()
                if self.face.chats.updates.pending and not await self._deliver(session):
                    await asyncio.sleep(self.retry_seconds)

    async def _wait_for_webhook(self) -> None:
        while not self.face.webhook.url:
            self.webhook_set.clear()
            await self.webhook_set.wait()

    async def _deliver(self, session: ClientSession) -> bool:
        updates, hook = self.face.chats.updates, self.face.webhook
        update = updates.pending[0]
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret} if hook.secret else {}
        try:
            async with session.post(hook.url, json=update.json(), headers=headers) as answer:
                error = "" if answer.ok else f"Wrong response from the webhook: {answer.status} {answer.reason}"
                if answer.ok and b'"method"' in await answer.read():
                    self.face.unimplemented["a method in the answer to a webhook"] += 1
        except (ClientError, TimeoutError) as problem:
            error = f"{type(problem).__name__}: {problem}"
        if error:
            hook.last_error, hook.last_error_at = error, unix(self.face.world.clock.now())
            return False
        if updates.pending and updates.pending[0] is update:
            updates.confirm_first()
        return True
