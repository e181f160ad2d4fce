"""The control surface's actions around accounts and their sessions."""

import base64
import binascii
from urllib.parse import parse_qs, urlsplit

from sandbox.stage import Action, ControlError, Outcome, Stage


class AcceptLogin(Action):
    """A person scans the QR code of a client that wants to be logged in, given by what is in it: `tg://login?token=…`.

    The bare token will do.
    """

    name = "accept_login"
    person: int
    url: str

    def _run(self, stage: Stage) -> Outcome:
        stage.botapi.chats.person(self.person)
        stage.mtproto.accept_login(self.person, _token(self.url))
        return {}


class LogOut(Action):
    """A person ends all their sessions from another device, those of the bridge included."""

    name = "log_out"
    person: int

    def _run(self, stage: Stage) -> Outcome:
        stage.botapi.chats.person(self.person)
        stage.world.end_sessions(self.person)
        return {}


class Freeze(Action):
    """Telegram freezes an account: it may read, not act; with `frozen` false, thaws it."""

    name = "freeze"
    person: int
    frozen: bool = True

    def _run(self, stage: Stage) -> Outcome:
        stage.botapi.chats.person(self.person)
        (stage.world.frozen_accounts.add if self.frozen else stage.world.frozen_accounts.discard)(self.person)
        return {}


def _token(url: str) -> bytes:
    """What a login URL carries: base64url without padding."""
    text = parse_qs(urlsplit(url).query).get("token", [url])[0]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ControlError("That is no login URL (tg://login?token=…), nor the token of one.") from None
