"""The terms a person accepts before their first join. Their text is the bot's, in its catalogs."""

from mtproto_bridge.actions.context import Inside
from mtproto_bridge.protocol.replies import TermsAccepted
from mtproto_bridge.protocol.requests import TERMS_VERSION, AcceptTerms
from mtproto_bridge.store import people


async def accept(context: Inside, request: AcceptTerms) -> TermsAccepted:
    """Keep that the actor accepts the terms. Older ones count for nothing: the newer ones are then asked."""
    if request.version == TERMS_VERSION:
        async with context.store.begin() as session:
            await people.accept_terms(session, context.actor, context.now())
    return TermsAccepted()
