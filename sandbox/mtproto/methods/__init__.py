"""The API methods the sandbox serves, one module per namespace of Telegram's."""

from sandbox.mtproto.methods import (
    account,
    auth,
    bots,
    channels,
    contacts,
    help_,
    messages,
    payments,
    updates,
    users,
)

ALL_METHODS = (
    account.methods,
    auth.methods,
    bots.methods,
    channels.methods,
    contacts.methods,
    help_.methods,
    messages.methods,
    payments.methods,
    updates.methods,
    users.methods,
)
