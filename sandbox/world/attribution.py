"""Who brought whom, and what it pays (facts, rules 22-27)."""

from datetime import datetime

from sandbox.world.errors import bad_request
from sandbox.world.links import by_token, terms
from sandbox.world.model import NANOS, Referral, ReferralLink, Sale
from sandbox.world.world import World


def follow(world: World, person_id: int, bot_id: int, token: str) -> ReferralLink:
    """A person opens a referral link: remembered until their first start (rule 22).

    Raises:
        TelegramError: STARREF_EXPIRED.
    """
    link = by_token(world, bot_id, token)
    person = world.people.get(person_id)
    if person and not any(one is link for one in person.followed):
        person.followed.append(link)
    return link


def start(world: World, person_id: int, bot_id: int) -> Referral | None:
    """A person starts a mini app; only the first start after following a link counts (rules 23, 24)."""
    person = world.people[person_id]
    first_time = bot_id not in person.started_bots
    person.started_bots.add(bot_id)
    if not first_time:
        return None
    candidates = [one for one in person.followed if one.bot_id == bot_id and _counts(world, one, person_id)]
    if not candidates:
        return None
    link = candidates[-1 if world.switches.several_links == "last" else 0]
    referral = Referral(link, person_id, world.clock.now())
    world.referrals[bot_id, person_id] = referral
    link.participants += 1
    return referral


def _counts(world: World, link: ReferralLink, person_id: int) -> bool:
    own = link.balance_id == person_id
    return not link.revoked and (world.switches.self_referral or not own)


def buy(world: World, buyer_id: int, bot_id: int, stars: int) -> Sale:
    """A person spends Stars in a mini app; the affiliate's part is credited at once (rule 25).

    A revoked link goes on paying for people it brought before, as Telegram promises for an ended program;
    for a link that its owner revoked this is not documented.

    Raises:
        TelegramError: STARS_AMOUNT_INVALID, BOT_INVALID.
    """
    if stars <= 0:
        raise bad_request("STARS_AMOUNT_INVALID")
    if bot_id not in world.bots:
        raise bad_request("BOT_INVALID")
    start(world, buyer_id, bot_id)
    now = world.clock.now()
    referral = world.referrals.get((bot_id, buyer_id))
    commission = _commission(world, referral, stars, now) if referral else 0
    sale = Sale(len(world.sales) + 1, now, bot_id, buyer_id, stars, commission, referral if commission else None)
    if referral and commission:
        referral.link.revenue_nanos += commission
    world.sales.append(sale)
    return sale


def _commission(world: World, referral: Referral, stars: int, now: datetime) -> int:
    permille, months = terms(world, referral.link)
    if months is not None and now >= add_months(referral.first_start, months):
        return 0
    return stars * NANOS * permille // 1000


def refund(world: World, sale_id: int) -> Sale:
    """Take a purchase back; the affiliate's part goes with it (rules 21, 27).

    Raises:
        TelegramError: CHARGE_ID_INVALID, CHARGE_ALREADY_REFUNDED.
    """
    sale = next((one for one in world.sales if one.id == sale_id and one.refund_of is None), None)
    if sale is None:
        raise bad_request("CHARGE_ID_INVALID")
    if any(one.refund_of == sale_id for one in world.sales):
        raise bad_request("CHARGE_ALREADY_REFUNDED")
    back = Sale(
        id=len(world.sales) + 1,
        date=world.clock.now(),
        bot_id=sale.bot_id,
        buyer_id=sale.buyer_id,
        stars=-sale.stars,
        commission_nanos=-sale.commission_nanos,
        referral=sale.referral,
        refund_of=sale_id,
    )
    if sale.referral and world.switches.refund_lowers_revenue:
        sale.referral.link.revenue_nanos -= sale.commission_nanos
    world.sales.append(back)
    return back


def add_months(moment: datetime, months: int) -> datetime:
    """The same day so many calendar months later, or that month's last day."""
    year, month = divmod(moment.month - 1 + months, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=moment.year + year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=moment.year + year, month=month + 1)
