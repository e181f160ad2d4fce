"""What the page and `GET /control/...` show, as JSON."""

from sandbox.botapi.about_bot import shown_commands
from sandbox.botapi.chat import Chat
from sandbox.botapi.inline import InlineAnswer
from sandbox.botapi.menu_button import shown_menu_button
from sandbox.botapi.model import Button, Message
from sandbox.stage import Stage
from sandbox.world import Bot, Channel, Person, ReferralLink, World, pickers, programs
from sandbox.world.links import terms
from sandbox.world.model import ALL_RIGHTS, NANOS
from sandbox.world.pickers import ChannelRequest

SHOWN_MESSAGES = 200

Json = dict[str, object]


def world_state(stage: Stage) -> Json:
    """Everything outside the chats: who there is, which links live, what time it is, what waits."""
    world = stage.world
    programs.settle(world)
    return {
        "now": world.clock.now().isoformat(),
        "our_bot": {"id": stage.our_bot.id, "title": stage.our_bot.title, "username": stage.our_bot.username},
        "bot_is_polling": stage.botapi.chats.updates.being_polled.is_set(),
        "opens_as": opens_as(world),
        "people": [person_view(world, one) for one in seeded(world)],
        "bots": [bot_view(one) for one in world.bots.values()],
        "channels": [channel_view(one) for one in world.channels.values()],
        "links": [link_view(world, one) for one in world.links],
        "sales": len(world.sales),
        "faults": [vars(fault) for fault in world.faults.waiting],
        "logged_in": sorted(stage.mtproto.logged_in()),
        "unimplemented": {
            "bot_api": dict(stage.botapi.unimplemented),
            "mtproto": dict(stage.mtproto.unimplemented),
        },
    }


def seeded(world: World) -> list[Person]:
    """The people of the world file; referred users made up on the spot have no phone."""
    return [person for person in world.people.values() if person.phone]


def opens_as(world: World) -> int | None:
    """Who the newcomer is at first: the owner of a channel, who has most to see."""
    owners = [channel.creator_id for channel in world.channels.values()]
    return next((one for one in owners if one in world.people), next(iter(world.people), None))


def person_view(world: World, person: Person) -> Json:
    """One seeded person, with what a client needs to log in as them."""
    return {
        "id": person.id,
        "name": person.first_name,
        "username": person.username,
        "about": person.about,
        "language": person.language,
        "phone": person.phone,
        "login_code": person.login_code,
        "password": person.password,
        "premium": person.premium,
        "frozen": person.frozen_since is not None,
        "deactivated": person.deactivated,
        "owns": [c.id for c in world.channels.values() if c.creator_id == person.id],
        "administers": [c.id for c in world.channels.values() if person.id in c.admins],
    }


def bot_view(bot: Bot) -> Json:
    """One bot, with its program if it has one."""
    program = bot.program
    return {
        "id": bot.id,
        "title": bot.title,
        "username": bot.username,
        "owner": bot.owner_id,
        "program": program
        and {
            "commission_permille": program.commission_permille,
            "duration_months": program.duration_months,
            "end_date": program.end_date.isoformat() if program.end_date else None,
        },
    }


def channel_view(channel: Channel) -> Json:
    """One channel and its admins."""
    return {
        "id": channel.id,
        "title": channel.title,
        "username": channel.username,
        "owner": channel.creator_id,
        "admins": {str(admin): sorted(rights) for admin, rights in channel.admins.items()},
        "members": sorted(channel.members),
    }


def link_view(world: World, link: ReferralLink) -> Json:
    """One referral link, with what it has brought."""
    permille, months = terms(world, link)
    balance = world.find(link.balance_id)
    return {
        "url": link.url,
        "bot": link.bot_id,
        "bot_title": world.bots[link.bot_id].title,
        "balance": link.balance_id,
        "balance_title": balance.first_name if isinstance(balance, Person) else balance.title if balance else "",
        "alive": not link.revoked,
        "participants": link.participants,
        "revenue_stars": link.revenue_nanos / NANOS,
        "commission_permille": permille,
        "duration_months": months,
    }


# -- a chat ---------------------------------------------------------------------------------------------------


def chat_view(stage: Stage, person_id: int) -> Json:
    """A person's chat with the bot, as it looks now."""
    chats = stage.botapi.chats
    chat = chats.chat(person_id)
    keyboard = chat.reply_keyboard
    acting = max(0.0, chat.action_until - chats.wall())
    return {
        "person": person_id,
        "version": chat.version,
        "started": chats.has_started(person_id),
        "blocked": chat.blocked,
        "messages": [message_view(chat, one) for one in chat.messages[-SHOWN_MESSAGES:]],
        "answers": [vars(answer) for answer in chat.answers],
        "action": chat.action if acting else "",
        "action_seconds": acting,
        "reply_keyboard": keyboard
        and {
            "rows": [[dict(b) for b in row] for row in keyboard.rows],
            "placeholder": keyboard.placeholder,
            "open": chat.keyboard_open,
        },
        "inline": inline_view(stage, person_id),
        "commands": [dict(command) for command in shown_commands(stage.botapi.face, person_id)],
        "menu_button": dict(shown_menu_button(stage.botapi.face, person_id)),
    }


def inline_view(stage: Stage, person_id: int) -> Json | None:
    """What the person typed last after the bot's name, and what the bot offers."""
    query = stage.botapi.inline.last(person_id)
    if query is None:
        return None
    answer = query.answer or InlineAnswer()
    return {
        "query": query.id,
        "text": query.text,
        "offset": query.offset,
        "answered": query.answer is not None,
        "from_cache": query.from_cache,
        "results": [{"id": one.id, "title": one.title, "description": one.description} for one in answer.results],
        "next_offset": answer.next_offset,
        "button": answer.button and dict(answer.button),
    }


def picker_view(stage: Stage, person_id: int, request: ChannelRequest, *, can_create: bool) -> Json:
    """What the app lists when a button or a link asks a person for a channel, and the rights the bot would get."""
    world, bot = stage.world, stage.our_bot
    return {
        "channels": [
            {
                "id": one.id,
                "title": one.title,
                "username": one.username,
                "size": one.size,
                "adds": pickers.added(bot, one, request),
            }
            for one in pickers.offered(world, bot, person_id, request)
        ],
        "needs": [right for right in ALL_RIGHTS if right in request.user_rights],
        "can_create": can_create,
        "public": request.has_username,
        "adds": [right for right in ALL_RIGHTS if right in request.bot_rights],
    }


def message_view(chat: Chat, message: Message) -> Json:
    """One message; entity offsets are in UTF-16 units, as a browser's strings are."""
    answered = chat.find(message.reply_to) if message.reply_to else None
    return {
        "id": message.id,
        "from_bot": message.from_bot,
        "via_bot": message.via_bot,
        "date": message.date.isoformat(),
        "edited": message.edited,
        "text": message.text,
        "entities": message.body.entities(),
        "buttons": [[button_view(button) for button in row] for row in message.buttons],
        "photo": message.photo and {"id": message.photo.file_id, "size": [message.photo.width, message.photo.height]},
        "reply_to": answered and answered.text[:80],
        "service": message.service and dict(message.service),
    }


def button_view(button: Button) -> Json:
    """One inline button: what it says and the one thing it does."""
    fields = {name: value for name, value in button.fields.items() if name != "text"}
    return {"text": button.text, **fields}
