"""Configuration (core.telegram.org/api/config)."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto.rpc import MethodTable
from sandbox.world import accounts, channels

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call
    from sandbox.world.model import Person

Json: TypeAlias = "bool | float | str | list[str]"

methods = MethodTable()

THIS_DC = 2
ALL_DCS = (1, 2, 3, 4, 5)


@methods.serves(functions.help.GetConfigRequest, needs_login=False)
def get_config(call: Call, _: TLRequest) -> TLObject:
    """core.telegram.org/method/help.getConfig: every DC is this server. Its dates are the wall clock's."""
    now = datetime.now(UTC)
    site = call.site
    return types.Config(
        date=now,
        expires=now + timedelta(hours=1),
        test_mode=False,
        this_dc=THIS_DC,
        dc_options=[types.DcOption(dc, site.host, site.port, this_port_only=True) for dc in ALL_DCS],
        dc_txt_domain_name="",
        chat_size_max=200,
        megagroup_size_max=200_000,
        forwarded_count_max=100,
        online_update_period_ms=210_000,
        offline_blur_timeout_ms=5000,
        offline_idle_timeout_ms=30_000,
        online_cloud_timeout_ms=300_000,
        notify_cloud_delay_ms=30_000,
        notify_default_delay_ms=1500,
        push_chat_period_ms=60_000,
        push_chat_limit=2,
        edit_time_limit=172_800,
        revoke_time_limit=2**31 - 1,
        revoke_pm_time_limit=2**31 - 1,
        rating_e_decay=2_419_200,
        stickers_recent_limit=200,
        channels_read_media_period=604_800,
        call_receive_timeout_ms=20_000,
        call_ring_timeout_ms=90_000,
        call_connect_timeout_ms=30_000,
        call_packet_timeout_ms=10_000,
        me_url_prefix="https://t.me/",
        caption_length_max=1024,
        message_length_max=4096,
        webfile_dc_id=THIS_DC,
    )


@methods.serves(functions.help.GetNearestDcRequest, needs_login=False)
def get_nearest_dc(_: Call, __: TLRequest) -> TLObject:
    """core.telegram.org/method/help.getNearestDc."""
    return types.NearestDc("NL", THIS_DC, THIS_DC)


@methods.serves(functions.help.GetAppConfigRequest, needs_login=False)
def get_app_config(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/help.getAppConfig: the keys of channels, affiliate programs, Stars and freezing."""
    account_id = call.authorization.account_id
    values = _app_config(call, call.world.people.get(account_id) if account_id else None)
    made_of = zlib.crc32(repr(sorted(values.items())).encode()) & 0x7FFFFFFF
    if request.hash == made_of:
        return types.help.AppConfigNotModified()
    pairs = [types.JsonObjectValue(key, _json(value)) for key, value in sorted(values.items())]
    return types.help.AppConfig(made_of, types.JsonObject(pairs))


def _app_config(call: Call, person: Person | None) -> dict[str, Json]:
    config = call.world.config
    may_connect = person is None or person.may_connect
    values: dict[str, Json] = {
        "channels_limit_default": channels.CHANNELS_LIMIT,
        "channels_limit_premium": channels.CHANNELS_LIMIT_PREMIUM,
        "starref_connect_allowed": may_connect,
        "starref_program_allowed": config.program_allowed,
        "starref_min_commission_permille": config.min_commission_permille,
        "starref_max_commission_permille": config.max_commission_permille,
        "starref_start_param_prefixes": list(config.start_prefixes),
        "stars_purchase_blocked": not may_connect,
        "stars_revenue_withdrawal_min": 1000,
        "stars_revenue_withdrawal_max": 25_000_000,
        "stars_usd_withdraw_rate_x1000": 1300,
        "stars_usd_sell_rate_x1000": 1410,
    }
    if person and person.frozen_since:
        values |= {
            "freeze_since_date": person.frozen_since.timestamp(),
            "freeze_until_date": (person.frozen_since + accounts.APPEAL_TIME).timestamp(),
            "freeze_appeal_url": "https://t.me/spambot",
        }
    return values


def _json(value: Json) -> TLObject:
    match value:
        case bool():
            return types.JsonBool(value)
        case str():
            return types.JsonString(value)
        case list():
            return types.JsonArray([types.JsonString(one) for one in value])
        case _:
            return types.JsonNumber(float(value))
