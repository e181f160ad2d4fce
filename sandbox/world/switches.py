"""What Telegram does not document: one switch per unknown, so that the suite runs under both settings.

The numbers are those of the rules in the facts page, section "Server semantics".
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Switches(BaseModel):
    """Each field is an unknown of Telegram's server; its default is the likeliest answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    months_too_high_error: str = "STARREF_MONTHS_TOO_LOW"
    """Rule 1: what 37 months or more is answered with."""
    same_values: Literal["accept", "refuse"] = "accept"
    """Rule 4: a program updated with its present values."""
    connect_refused_error: str = "BOT_INVALID"
    """Rule 8: what connecting answers where there is no program, or one in its wind-down."""
    list_ending_programs: bool = True
    """Rule 13: whether the suggested list shows programs that are ending."""
    repeat_connect: Literal["same_url", "new_url"] = "same_url"
    """Rule 15: connecting once more while connected."""
    foreign_link_error: Literal["STARREF_HASH_REVOKED", "PEER_ID_INVALID"] = "STARREF_HASH_REVOKED"
    """Rule 17: revoking a link that is unknown, or another balance's."""
    unrevoke: bool = True
    """Rule 17: whether a call without the revoked flag restores a revoked link of an active program."""
    reconnect: Literal["new_url", "revive"] = "new_url"
    """Rule 18: connecting after a revoke."""
    list_revoked: bool = False
    """Rule 19: whether the list of connections holds revoked ones."""
    live_commission: bool = True
    """Rule 20: a connection shows the program's present terms (else those it was made with)."""
    refund_lowers_revenue: bool = True
    """Rule 21: whether a refund is taken off a link's revenue."""
    several_links: Literal["last", "first"] = "last"
    """Rule 24: which of several followed links gets a new user."""
    self_referral: bool = False
    """Rule 24: whether following one's own link counts."""
    non_owner_admin_connects: bool = True
    """Route R1: whether a channel admin with post_messages who does not own it may connect it."""
    write_before_start: Literal["cannot_initiate", "chat_not_found"] = "cannot_initiate"
    """Bot API: what a bot hears that writes to a person who never started it."""
    edit_when_blocked: bool = False
    """Bot API: whether a bot may edit its old messages in the chat of a person who blocked it."""
    answer_callback_twice: bool = False
    """Bot API: whether a callback query may be answered again."""
    callback_query_seconds: float = 15
    """Bot API: for how long (wall clock) a pressed button waits for its answer."""
    callback_message_hours: float = 48
    """Bot API: how old a message may be to come whole with a pressed button, else as InaccessibleMessage."""
    unset_menu_button: Literal["default", "commands"] = "default"
    """Bot API: what getChatMenuButton answers for everybody where nothing was set."""
    answer_inline_twice: bool = False
    """Bot API: whether an inline query may be answered again."""
    inline_query_seconds: float = 15
    """Bot API: for how long (wall clock) an inline query waits for its answer."""
    demoted_bot: Literal["left", "kicked"] = "left"
    """Channels: what becomes of a bot whose rights an admin takes away; a bot is no subscriber."""
    rights_survive_promoter: bool = True
    """Route R1: whether admins keep their rights when the one who promoted them is an admin no more."""
    invites_survive_maker: bool = True
    """Route R1: whether an invite link lives on when its maker is an admin no more."""
    known_by_joining: bool = False
    """Bot API: whether a bot can name a person it only saw join (else: only one who started it)."""
    unknown_user_error: str = "PARTICIPANT_ID_INVALID"
    """Bot API: what naming somebody is answered with whom the bot has never met."""
    promote_stranger_error: str = "USER_NOT_PARTICIPANT"
    """Bot API: what promoting somebody is answered with who is not in the channel."""
    told_of_own_leaving: bool = True
    """Bot API: whether a bot that leaves a channel gets `my_chat_member` for it."""
    revoke_invite_again: Literal["accept", "refuse"] = "accept"
    """Bot API: revoking an invite link that is revoked already."""
    member_imports_dead_invite: Literal["INVITE_HASH_EXPIRED", "USER_ALREADY_PARTICIPANT"] = "INVITE_HASH_EXPIRED"
    """MTProto: what a member hears who imports a dead link, such as the one-use link they came by."""
    join_again: Literal["accept", "refuse"] = "accept"
    """MTProto: joining a public channel the account is in already (else USER_ALREADY_PARTICIPANT)."""
    banned_import_error: str = "INVITE_HASH_EXPIRED"
    """MTProto: what somebody hears who imports an invite to a channel that banned them."""
    frozen_resolves: bool = True
    """MTProto: whether a frozen account may resolve usernames (else FROZEN_METHOD_INVALID)."""
    deactivated_member: Literal["stays", "leaves"] = "stays"
    """Whether a banned or deleted account goes on being listed in its channels, with its rights."""
