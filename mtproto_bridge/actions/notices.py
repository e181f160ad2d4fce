"""Who did what: written down, and told to the others who manage the balance."""

from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.actions.context import Inside
from mtproto_bridge.actions.describing import describe
from mtproto_bridge.protocol.events import Acted
from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.store import audit, outbox, people, tables


async def acted(
    context: Inside,
    session: AsyncSession,
    action: audit.Action,
    balance: tables.Balance,
    link: tables.Affiliation | None = None,
) -> None:
    """The actor did something for a balance; belongs into the transaction that keeps what was done."""
    await audit.write(
        session,
        at=context.now(),
        person=context.actor,
        action=action,
        balance=balance.id,
        bot=link.bot_id if link else 0,
    )
    actor = await people.find(session, context.actor)
    what = Acted(
        action=action,
        person_id=context.actor,
        person_name=actor.name if actor else None,
        balance=describe(balance),
        bot_id=BotId(link.bot_id) if link else None,
        bot_title=link.bot_title if link else None,
        bot_username=link.bot_username if link else None,
    )
    await outbox.put(session, context.now(), await people.managers_but(session, balance.id, context.actor), what)
