"""Which process is handed which variables: the bot never sees API_HASH, the bridge never the bot's token."""

from collections.abc import Mapping

SHARED = ("REDIS_URL", "QUEUE_PREFIX", "DATA_DIR", "LOG_LEVEL")
VARIABLES = {
    "bridge": (
        *SHARED,
        "API_ID",
        "API_HASH",
        "DATABASE_URL",
        "SESSION_KEY_FILE",
        "BRIDGE_NAME",
        "LEASE_SECONDS",
        "REGISTRATION",
        "REGISTRATION_LIMIT",
        "OPERATOR_IDS",
        "MTPROTO_SERVER",
        "MTPROTO_PUBLIC_KEY_FILE",
    ),
    "bot": (*SHARED, "BOT_TOKEN", "BOT_API_URL", "BOT_NAME"),
}
SYSTEM = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "TERM", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV")


def environment_for(process: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of one process; ENV_FILE is emptied so that it does not read the others' from `.env`."""
    wanted = (*SYSTEM, *VARIABLES[process])
    return {name: variables[name] for name in wanted if name in variables} | {"ENV_FILE": ""}
