"""The control surface's actions around accounts: what Telegram and their owners do to them."""

from pydantic import Field

from sandbox.stage import Action, ControlError, Outcome, Stage
from sandbox.world import accounts


class LogOut(Action):
    """A person ends all their sessions from another device, those of the bridge included."""

    name = "log_out"
    person: int

    def _run(self, stage: Stage) -> Outcome:
        stage.botapi.chats.person(self.person)
        stage.world.end_sessions(self.person)
        return {}


class RevokeSession(Action):
    """A person ends the newest of their sessions from another device."""

    name = "revoke_session"
    person: int

    def _run(self, stage: Stage) -> Outcome:
        person = stage.botapi.chats.person(self.person)
        if not stage.mtproto.revoke_session(self.person):
            raise ControlError(f"{person.first_name} is logged in nowhere.")
        return {}


class Freeze(Action):
    """Telegram freezes an account: it may read, not act; with `frozen` false, thaws it."""

    name = "freeze"
    person: int
    frozen: bool = True

    def _run(self, stage: Stage) -> Outcome:
        person = stage.botapi.chats.person(self.person)
        if self.frozen:
            accounts.freeze(stage.world, person)
        else:
            accounts.thaw(person)
        return {}


class Ban(Action):
    """Telegram bans an account for good; with `deleted` its owner has deleted it."""

    name = "ban"
    person: int
    deleted: bool = False

    def _run(self, stage: Stage) -> Outcome:
        person = stage.botapi.chats.person(self.person)
        accounts.deactivate(stage.world, person, "deleted" if self.deleted else "banned")
        return {}


class SetAccount(Action):
    """What Telegram lets an account do: only what is named changes; a `channels_limit` of null is the usual one."""

    name = "set_account"
    person: int
    premium: bool = False
    may_connect: bool = True
    channels_limit: int | None = Field(None, ge=0)

    def _run(self, stage: Stage) -> Outcome:
        person = stage.botapi.chats.person(self.person)
        for name, value in self.model_dump(exclude={"person"}, exclude_unset=True).items():
            setattr(person, name, value)
        return {
            "premium": person.premium,
            "may_connect": person.may_connect,
            "channels_limit": person.channels_limit,
        }
