"""Cards: a person's live links as they are sent to somebody, with their URLs. The bot's inline mode shows them.

Somebody who types asks many times a minute, so Telegram is not asked each time: as for any list, what it said
within the last minute of who manages what is enough. The price is that who lost their right may see the URL of a
link for a minute more. They have seen it before, and it was made to be posted in public.
"""

from mtproto_bridge.actions.balances import known_balances
from mtproto_bridge.actions.context import Inside
from mtproto_bridge.protocol.ids import BalanceId
from mtproto_bridge.protocol.replies import Card, Cards, pages_of
from mtproto_bridge.protocol.requests import ListCards
from mtproto_bridge.store import affiliations, tables, watched


async def list_cards(context: Inside, request: ListCards) -> Cards:
    """One page of the actor's live links, newest first; those of their balances before those they have watched."""
    mine, stale = await known_balances(context, links=True)
    balances, now = [BalanceId(one.id) for one in mine], context.now()
    offset = request.page * request.size
    async with context.store.begin() as session:
        own, owned = await affiliations.live_page(session, balances, now, offset=offset, limit=request.size)
        seen, watching = await watched.live_page(
            session, context.actor, now, offset=max(0, offset - owned), limit=request.size - len(own)
        )
    titles = {one.id: one.title for one in mine}
    return Cards(
        cards=[_own(link, titles[link.balance_id]) for link in own] + [_watched(*one) for one in seen],
        page=request.page,
        pages=pages_of(owned + watching, request.size),
        balances=len(mine),
        stale_accounts=stale,
    )


def _own(link: tables.Affiliation, balance_title: str) -> Card:
    return Card(
        url=link.url,
        bot_title=link.bot_title,
        balance_title=balance_title,
        commission_permille=link.commission_permille,
        duration_months=link.duration_months,
    )


def _watched(link: tables.Watched, program: tables.Program | None) -> Card:
    return Card(
        url=link.url,
        bot_title=link.bot_title,
        commission_permille=program.commission_permille if program else None,
        duration_months=program.duration_months if program else None,
    )
