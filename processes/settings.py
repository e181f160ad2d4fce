"""Settings that explain themselves: what is missing or wrong is one sentence a variable."""

import os
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings

from processes import redis_url

S = TypeVar("S", bound=BaseSettings)


def _is_a_redis_url(url: SecretStr) -> SecretStr:
    redis_url.parse(url.get_secret_value())
    return url


RedisUrl = Annotated[SecretStr, AfterValidator(_is_a_redis_url)]
"""REDIS_URL, which both processes are given; it may hold a password."""

QueuePrefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
"""QUEUE_PREFIX, the same for both: what the names of all keys in Redis begin with."""

WRONG_SETTING = 2
"""The exit code for a missing or wrong setting."""


class SettingsError(Exception):
    """One or more settings are missing or wrong; the text is a sentence a line."""


def read(kind: type[S], where: Mapping[str, str]) -> S:
    """Read settings from the environment and `.env`.

    ENV_FILE names another file than `.env`, or none when it is empty. `where` says, per variable, where a
    person gets it; it ends the sentence about that variable.

    Raises:
        SettingsError: with every missing or wrong variable named.
    """
    try:
        return kind(_env_file=os.environ.get("ENV_FILE", ".env") or None)
    except ValidationError as error:
        lines = [
            _sentence(str(problem["loc"][0]), problem["type"], problem["msg"], where) for problem in error.errors()
        ]
        raise SettingsError("\n".join(lines)) from None


def _sentence(field: str, kind: str, message: str, where: Mapping[str, str]) -> str:
    name = field.upper()
    hint = where.get(name, "see .env.example")
    if kind == "missing":
        return f"{name} is not set: {hint}."
    reason = message.removeprefix("Value error, ")
    return f"{name} is wrong ({reason[:1].lower()}{reason[1:]}): {hint}."
