"""The control surface: what happens in Telegram outside the chat with the bot, and what people do in it.

Each action is one small model whose fields are the JSON body of `POST /control/<name>`; its docstring is what
`GET /control` prints. Money moves here only between the sandbox's made-up people.
"""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from sandbox.control_accounts import AcceptLogin, Ban, Freeze, LogOut, RevokeSession, SetAccount
from sandbox.control_channels import AddBot, LeaveChannel, RemoveMember, SetAdmin, ShareChannel, ShareNewChannel
from sandbox.control_inline import PickInline, SetInline, TypeInline
from sandbox.stage import Action, ControlError, Outcome, Stage, bot_in
from sandbox.world import ReferralLink, World, attribution, links, programs, seed
from sandbox.world.faults import Fault, FaultKind
from sandbox.world.model import NANOS

# -- in the chat ----------------------------------------------------------------------------------------------


class Say(Action):
    """A person writes to the bot, in private or in the group with this title."""

    name = "say"
    person: int
    text: str
    group: str | None = None

    def _run(self, stage: Stage) -> Outcome:
        return {"message": stage.botapi.chats.say(self.person, self.text, group=self.group).id}


class Press(Action):
    """A person presses an inline button, named by its text or its callback data.

    With `inaccessible` the bot gets the message as Telegram sends one that is too old or was deleted.
    """

    name = "press"
    person: int
    message: int
    button: str
    group: str | None = None
    inaccessible: bool = False

    def _run(self, stage: Stage) -> Outcome:
        query = stage.botapi.chats.press(
            self.person, self.message, self.button, group=self.group, inaccessible=self.inaccessible
        )
        return {"query": query.id}


class Block(Action):
    """A person blocks the bot; with `blocked` false, unblocks it."""

    name = "block"
    person: int
    blocked: bool = True

    def _run(self, stage: Stage) -> Outcome:
        stage.botapi.chats.block(self.person, blocked=self.blocked)
        return {}


# -- around affiliate programs --------------------------------------------------------------------------------


class Follow(Action):
    """A person opens a referral link; it counts when they start that mini app for the first time."""

    name = "follow"
    person: int
    link: str

    def _run(self, stage: Stage) -> Outcome:
        stage.botapi.chats.person(self.person)
        link = _link(stage.world, self.link)
        attribution.follow(stage.world, self.person, link.bot_id, link.token)
        return {"bot": link.bot_id}


class StartApp(Action):
    """A person starts a mini app."""

    name = "start_app"
    person: int
    bot: int

    def _run(self, stage: Stage) -> Outcome:
        stage.botapi.chats.person(self.person)
        bot_in(stage.world, self.bot)
        referral = attribution.start(stage.world, self.person, self.bot)
        return {"referred_by": referral.link.url if referral else None}


class Buy(Action):
    """A person spends Stars in a mini app."""

    name = "buy"
    person: int
    bot: int
    stars: int = 100

    def _run(self, stage: Stage) -> Outcome:
        stage.botapi.chats.person(self.person)
        sale = attribution.buy(stage.world, self.person, self.bot, self.stars)
        return {"sale": sale.id, "commission_stars": sale.commission_nanos / NANOS}


class Refund(Action):
    """A purchase is taken back, and the affiliate's part with it."""

    name = "refund"
    sale: int

    def _run(self, stage: Stage) -> Outcome:
        sale = attribution.refund(stage.world, self.sale)
        return {"sale": sale.id, "commission_stars": sale.commission_nanos / NANOS}


class ReferredPurchase(Action):
    """A new user comes by a referral link, starts the mini app and buys for so many Stars (0: only starts).

    The link is given by its URL, or is the newest live one of `bot`, or of all.
    """

    name = "referred_purchase"
    link: str | None = None
    bot: int | None = None
    stars: int = Field(100, ge=0)

    def _run(self, stage: Stage) -> Outcome:
        link = _link(stage.world, self.link) if self.link else self._newest(stage.world)
        person = seed.referred_purchase(stage.world, link.bot_id, link.token, self.stars)
        return {
            "person": person.id,
            "link": link.url,
            "participants": link.participants,
            "revenue_stars": link.revenue_nanos / NANOS,
        }

    def _newest(self, world: World) -> ReferralLink:
        alive = [link for link in world.links if not link.revoked and self.bot in (None, link.bot_id)]
        if not alive:
            raise ControlError("No live referral link is there to come by: let somebody join a program first.")
        return alive[-1]


class SetProgram(Action):
    """A mini app's owner opens a program, or raises it; no `duration_months` means forever."""

    name = "set_program"
    bot: int
    commission_permille: int = Field(gt=0)
    duration_months: int | None = None

    def _run(self, stage: Stage) -> Outcome:
        owner = bot_in(stage.world, self.bot).owner_id
        programs.update_program(stage.world, owner, self.bot, self.commission_permille, self.duration_months)
        return {}


class EndProgram(Action):
    """A mini app's owner ends the program: it is gone 24 hours later."""

    name = "end_program"
    bot: int

    def _run(self, stage: Stage) -> Outcome:
        owner = bot_in(stage.world, self.bot).owner_id
        program = programs.update_program(stage.world, owner, self.bot, 0, None)
        return {"end_date": program.end_date.isoformat() if program.end_date else None}


class Revoke(Action):
    """Somebody revokes a referral link in Telegram itself, behind the bot's back."""

    name = "revoke"
    link: str

    def _run(self, stage: Stage) -> Outcome:
        link = _link(stage.world, self.link)
        links.edit(stage.world, _controller(stage.world, link.balance_id), link.balance_id, link.url, revoked=True)
        return {}


# -- around time and the network ------------------------------------------------------------------------------


class DropConnections(Action):
    """Telegram hangs up on every MTProto client, as in a restart of its own; they may connect again at once."""

    name = "drop_connections"

    def _run(self, stage: Stage) -> Outcome:
        stage.mtproto.drop_connections()
        return {}


class Advance(Action):
    """Time passes at once, for the world's facts: program ends, holds, dates."""

    name = "advance"
    days: float = Field(0, ge=0)
    hours: float = Field(0, ge=0)
    seconds: float = Field(0, ge=0)

    def _run(self, stage: Stage) -> Outcome:
        stage.world.clock.move(timedelta(days=self.days, hours=self.hours, seconds=self.seconds))
        programs.settle(stage.world)
        return {"now": stage.world.clock.now().isoformat()}


class SetFault(Action):
    """The next `times` matching calls meet a fault; see docs/sandbox.md for the kinds."""

    name = "fault"
    kind: FaultKind
    method: str = "*"
    times: int = Field(1, ge=1)
    account: int | None = None
    seconds: float = Field(0, ge=0)
    code: int = 400
    message: str = ""
    after: bool = False

    def _run(self, stage: Stage) -> Outcome:
        fields = self.model_dump(exclude={"account"})
        stage.world.faults.set(Fault(account_id=self.account, **fields))
        return {"waiting": len(stage.world.faults.waiting)}


class ClearFaults(Action):
    """No fault waits any more."""

    name = "clear_faults"

    def _run(self, stage: Stage) -> Outcome:
        stage.world.faults.waiting.clear()
        return {}


ACTIONS: dict[str, type[Action]] = {
    action.name: action
    for action in (
        *(Say, Press, ShareChannel, ShareNewChannel, AddBot, Block),
        *(TypeInline, PickInline, SetInline),
        *(Follow, StartApp, Buy, Refund, ReferredPurchase, SetProgram, EndProgram, Revoke),
        *(SetAdmin, RemoveMember, LeaveChannel, AcceptLogin, LogOut, RevokeSession, Freeze, Ban, SetAccount),
        *(DropConnections, Advance, SetFault, ClearFaults),
    )
}


# -- finding things -------------------------------------------------------------------------------------------


def _link(world: World, url: str) -> ReferralLink:
    """The link of a URL, written in any of the ways people paste it."""
    address = urlsplit(url if "://" in url else f"https://{url}")
    start = parse_qs(address.query).get("start", [""])[0]
    username = address.path.strip("/").lower()
    for prefix in world.config.start_prefixes:
        for link in world.links:
            named = world.bots[link.bot_id].username.lower() == username
            if named and start == prefix + link.token:
                return link
    raise ControlError(f"No referral link of this world is {re.sub(r'[^ -~]', '?', url)[:200]}.")


def _controller(world: World, balance_id: int) -> int:
    """Somebody who may act for a balance: its owner."""
    if balance_id in world.channels:
        return world.channels[balance_id].creator_id
    return world.bots[balance_id].owner_id if balance_id in world.bots else balance_id
