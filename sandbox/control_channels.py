"""The control surface's actions around channels: handing one to the bot, and who is what in it."""

from sandbox.stage import Action, ControlError, Outcome, Stage, channel_in
from sandbox.world import accounts, channels, pickers
from sandbox.world.model import AdminRight


class ShareChannel(Action):
    """A person picks a channel with the keyboard button (by its text, or the first) that asks for one.

    The bot is added with the rights the button asks for; with `adds_bot` false the app is too old for that.
    """

    name = "share_channel"
    person: int
    channel: int
    button: str | None = None
    adds_bot: bool = True

    def _run(self, stage: Stage) -> Outcome:
        message = stage.botapi.chats.share_channel(
            self.person, self.channel, button=self.button, adds_bot=self.adds_bot
        )
        return {"message": message.id}


class ShareNewChannel(Action):
    """A person makes a channel with the keyboard button that asks for one; with a username it is public."""

    name = "share_new_channel"
    person: int
    title: str
    username: str | None = None
    button: str | None = None

    def _run(self, stage: Stage) -> Outcome:
        message = stage.botapi.chats.share_new_channel(self.person, self.title, self.username, button=self.button)
        return {"message": message.id}


class AddBot(Action):
    """A person opens the bot's link `https://t.me/<bot>?startchannel&admin=...` and picks a channel."""

    name = "add_bot"
    person: int
    channel: int
    link: str

    def _run(self, stage: Stage) -> Outcome:
        accounts.require_acting(stage.botapi.chats.person(self.person))
        channel = pickers.add_by_link(stage.world, stage.our_bot, self.person, self.channel, self.link)
        return {"rights": sorted(channel.rights_of(stage.our_bot.id))}


class SetAdmin(Action):
    """A channel's owner gives somebody exactly these rights; none makes them a plain subscriber, puts a bot out."""

    name = "set_admin"
    channel: int
    person: int
    rights: list[AdminRight]

    def _run(self, stage: Stage) -> Outcome:
        channel = channel_in(stage.world, self.channel)
        if self.person not in stage.world.people and self.person not in stage.world.bots:
            raise ControlError(f"There is nobody with the id {self.person}.")
        if channel.creator_id == self.person:
            raise ControlError("A channel's creator keeps all rights.")
        if channel.is_member(self.person):
            channels.edit_admin(stage.world, channel.creator_id, channel, self.person, self.rights)
        else:
            stage.world.set_admin(self.channel, self.person, self.rights)
        return {"rights": sorted(self.rights)}


class RemoveMember(Action):
    """A channel's owner throws a person or a bot out for good."""

    name = "remove_member"
    channel: int
    person: int

    def _run(self, stage: Stage) -> Outcome:
        channel = channel_in(stage.world, self.channel)
        channels.remove(stage.world, channel.creator_id, channel, self.person)
        return {}


class LeaveChannel(Action):
    """A person leaves a channel of their own accord."""

    name = "leave_channel"
    channel: int
    person: int

    def _run(self, stage: Stage) -> Outcome:
        channels.leave(stage.world, self.person, channel_in(stage.world, self.channel))
        return {}
