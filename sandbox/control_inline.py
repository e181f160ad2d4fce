"""Actions of the control surface around inline mode."""

from sandbox.botapi.model import NoSuchResultError
from sandbox.stage import Action, ControlError, Outcome, Stage


class TypeInline(Action):
    """A person types the bot's name and this text, in their chat with it or in the group with this title.

    A group that is new is made, with the bot in it or without (`has_bot`).
    `GET /control/chat` then has what the bot offers; `offset` is the last answer's `next_offset`.
    """

    name = "type_inline"
    person: int
    text: str = ""
    offset: str = ""
    group: str | None = None
    has_bot: bool = True

    def _run(self, stage: Stage) -> Outcome:
        query = stage.botapi.inline.types(
            self.person, self.text, offset=self.offset, group=self.group, has_bot=self.has_bot
        )
        return {"query": query.id, "from_cache": query.from_cache}


class PickInline(Action):
    """A person sends one of the results, named by its title or id, of what they typed."""

    name = "pick_inline"
    query: str
    result: str

    def _run(self, stage: Stage) -> Outcome:
        query = stage.botapi.inline.queries.get(self.query)
        if query is None:
            raise ControlError(f"Nobody typed the query {self.query}.")
        try:
            return {"message": stage.botapi.inline.picks(query, self.result).id}
        except NoSuchResultError as error:
            raise ControlError(str(error)) from error


class SetInline(Action):
    """The bot's owner turns its inline mode on or off, as with /setinline at BotFather."""

    name = "set_inline"
    on: bool = True

    def _run(self, stage: Stage) -> Outcome:
        stage.our_bot.supports_inline = self.on
        return {}
