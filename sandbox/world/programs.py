"""Affiliate programs: create, raise, end, browse (facts, rules 1-14).

Follows core.telegram.org/method/bots.updateStarRefProgram and payments.getSuggestedStarRefBots.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sandbox.world.errors import bad_request
from sandbox.world.model import Bot, Program
from sandbox.world.world import World

WIND_DOWN = timedelta(hours=24)
MAX_MONTHS = 36
SUGGESTED_LIMIT = 100

Order = Literal["profit", "revenue", "date"]


@dataclass(frozen=True)
class SuggestedPage:
    """One page of programs; `next_offset` is None on the last."""

    total: int
    bots: list[Bot]
    next_offset: str | None


def settle(world: World) -> None:
    """Let what is due happen: programs past their end date vanish and their links die (rule 7)."""
    now = world.clock.now()
    for bot in world.bots.values():
        program = bot.program
        if program and program.end_date and program.end_date <= now:
            for link in world.links:
                if link.program is program:
                    link.revoked = True
            bot.program = None


def program_of(world: World, bot_id: int) -> Program | None:
    """The program as `userFull.starref_program` shows it now; one in its wind-down still shows."""
    settle(world)
    bot = world.bots.get(bot_id)
    return bot.program if bot else None


def update_program(world: World, actor_id: int, bot_id: int, permille: int, months: int | None) -> Program:
    """Create, raise or (permille 0) end a program.

    Raises:
        TelegramError: BOT_INVALID, STARREF_AWAITING_END, STARREF_PERMILLE_INVALID,
            STARREF_PERMILLE_TOO_LOW, STARREF_MONTHS_TOO_LOW.
    """
    settle(world)
    bot = world.bots.get(bot_id)
    if bot is None or bot.owner_id != actor_id:
        raise bad_request("BOT_INVALID")
    if bot.program and bot.program.end_date:
        raise bad_request("STARREF_AWAITING_END")
    if permille == 0:
        return _end(world, bot)
    _check_terms(world, bot.program, permille, months)
    if bot.program is None:
        bot.program = Program(permille, months, world.clock.now())
    else:
        bot.program.commission_permille, bot.program.duration_months = permille, months
    return bot.program


def _end(world: World, bot: Bot) -> Program:
    if bot.program is None:
        raise bad_request("BOT_INVALID")
    bot.program.end_date = world.clock.now() + WIND_DOWN
    for link in world.links:  # rule 20: terms are frozen at the end
        if link.program is bot.program:
            link.commission_permille = bot.program.commission_permille
            link.duration_months = bot.program.duration_months
    return bot.program


def _check_terms(world: World, present: Program | None, permille: int, months: int | None) -> None:
    if not world.config.min_commission_permille <= permille <= world.config.max_commission_permille:
        raise bad_request("STARREF_PERMILLE_INVALID")
    if months is not None and months < 1:
        raise bad_request("STARREF_MONTHS_TOO_LOW")
    if months is not None and months > MAX_MONTHS:
        raise bad_request(world.switches.months_too_high_error)
    if present is None:
        return
    if permille < present.commission_permille:
        raise bad_request("STARREF_PERMILLE_TOO_LOW")
    if months is not None and (present.duration_months is None or months < present.duration_months):
        raise bad_request("STARREF_MONTHS_TOO_LOW")
    same = permille == present.commission_permille and months == present.duration_months
    if same and world.switches.same_values == "refuse":
        raise bad_request("STARREF_PERMILLE_TOO_LOW")


def suggested(  # noqa: PLR0913 - the method's own parameters
    world: World, account_id: int, balance_id: int, order: Order, offset: str, limit: int
) -> SuggestedPage:
    """One page of programs for a balance, in Telegram's order (rules 11-14).

    Raises:
        TelegramError: 403 PEER_ID_INVALID for a balance the account does not control,
            OFFSET_INVALID for an offset of another order, LIMIT_INVALID.
    """
    settle(world)
    world.require_controlled(account_id, balance_id, code=403)
    if limit < 0:
        raise bad_request("LIMIT_INVALID")
    size = min(limit or 20, SUGGESTED_LIMIT)
    rows = sorted(
        (b for b in world.bots.values() if _is_suggested(world, b, balance_id)), key=lambda b: _rank(b, order)
    )
    start = _position(offset, order)
    page = rows[start : start + size]
    end = start + len(page)
    return SuggestedPage(len(rows), page, f"{order}:{end}" if end < len(rows) else None)


def _is_suggested(world: World, bot: Bot, balance_id: int) -> bool:
    if bot.program is None or bot.id == balance_id:
        return False
    return bot.program.end_date is None or world.switches.list_ending_programs


def _rank(bot: Bot, order: Order) -> tuple[float, int]:
    program, daily = bot.program, bot.daily_revenue_nanos or 0
    if program is None:
        raise AssertionError("only bots with a program are ranked")
    if order == "date":
        return -program.created.timestamp(), bot.id
    return (-daily if order == "revenue" else -daily * program.commission_permille), bot.id


def _position(offset: str, order: Order) -> int:
    if not offset:
        return 0
    made_for, _, number = offset.partition(":")
    if made_for != order or not number.isdigit():
        raise bad_request("OFFSET_INVALID")
    return int(number)
