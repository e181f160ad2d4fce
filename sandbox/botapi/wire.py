"""The sandbox's things as Bot API objects (core.telegram.org/bots/api#available-types)."""

from datetime import datetime

from sandbox.botapi.chat import Chat
from sandbox.botapi.model import CallbackQuery, JsonObject, Keyboard, Message, Photo
from sandbox.world import Bot, Person, World


def unix(moment: datetime) -> int:
    """A Telegram date."""
    return int(moment.timestamp())


def person_user(person: Person) -> JsonObject:
    """A person as User, with everything Telegram tells a bot about them; of a deleted account nothing is left."""
    if person.deactivated:
        return {"id": person.id, "is_bot": False, "first_name": ""}
    user: dict[str, object] = {"id": person.id, "is_bot": False, "first_name": person.first_name}
    if person.username:
        user["username"] = person.username
    user["language_code"] = person.language
    if person.premium:
        user["is_premium"] = True
    return user


def bot_user(bot: Bot) -> JsonObject:
    """A bot as User."""
    return {"id": bot.id, "is_bot": True, "first_name": bot.title, "username": bot.username}


def chat_object(world: World, chat: Chat) -> JsonObject:
    """A chat, private or group."""
    if chat.kind == "group":
        return {"id": chat.id, "type": "group", "title": chat.title, "all_members_are_administrators": False}
    person = world.people[chat.id]
    found: dict[str, object] = {"id": chat.id, "type": "private", "first_name": person.first_name}
    if person.username:
        found["username"] = person.username
    return found


def message(world: World, bot: Bot, chat: Chat, shown: Message, *, nested: bool = False) -> JsonObject:
    """A message; the one it replies to is included one level deep."""
    sender = bot_user(bot) if shown.from_bot else person_user(world.people[shown.sender_id])
    found: dict[str, object] = {
        "message_id": shown.id,
        "from": sender,
        "chat": chat_object(world, chat),
        "date": unix(shown.date),
    }
    if shown.edit_date:
        found["edit_date"] = unix(shown.edit_date)
    if shown.via_bot:
        found["via_bot"] = bot_user(bot)
    if shown.protected:
        found["has_protected_content"] = True
    original = chat.find(shown.reply_to) if shown.reply_to and not nested else None
    if original:
        found["reply_to_message"] = message(world, bot, chat, original, nested=True)
    found |= _content(shown)
    if shown.buttons:
        found["reply_markup"] = keyboard(shown.buttons)
    return found


def _content(shown: Message) -> JsonObject:
    if shown.service:
        return shown.service
    words, formatting = ("caption", "caption_entities") if shown.photo else ("text", "entities")
    found: dict[str, object] = {"photo": photo_sizes(shown.photo)} if shown.photo else {}
    if shown.text or not shown.photo:
        found[words] = shown.text
    if shown.body.spans:
        found[formatting] = shown.body.entities()
    return found


def keyboard(buttons: Keyboard) -> JsonObject:
    """An inline keyboard as it was sent."""
    return {"inline_keyboard": [[dict(button.fields) for button in row] for row in buttons]}


def photo_sizes(photo: Photo) -> list[JsonObject]:
    """One size only: the sandbox scales nothing."""
    size = {
        "file_id": photo.file_id,
        "file_unique_id": photo.file_id[-12:],
        "width": photo.width,
        "height": photo.height,
        "file_size": len(photo.content),
    }
    return [size]


def inaccessible(world: World, chat: Chat, shown: Message) -> JsonObject:
    """InaccessibleMessage: what a callback query carries when the message is too old or gone."""
    return {"chat": chat_object(world, chat), "message_id": shown.id, "date": 0}


def callback_query(person: Person, query: CallbackQuery, shown: JsonObject) -> JsonObject:
    """A pressed button; `shown` is the message or what is left of it."""
    return {
        "id": query.id,
        "from": person_user(person),
        "message": shown,
        "chat_instance": str(-query.chat_id * 7919),
        "data": query.data,
    }


def blocked(world: World, bot: Bot, chat: Chat, *, blocked: bool) -> JsonObject:
    """`my_chat_member` of a private chat: the bot was blocked or unblocked."""
    member: JsonObject = {"status": "member", "user": bot_user(bot)}
    kicked: JsonObject = {"status": "kicked", "user": bot_user(bot), "until_date": 0}
    return {
        "chat": chat_object(world, chat),
        "from": person_user(world.people[chat.id]),
        "date": unix(world.clock.now()),
        "old_chat_member": member if blocked else kicked,
        "new_chat_member": kicked if blocked else member,
    }
