"""The bridge's settings, from the environment and `.env`."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from processes.settings import QueuePrefix, RedisUrl, read

WHERE = {
    "API_ID": "create an application at https://my.telegram.org/apps and copy its api_id",
    "API_HASH": "create an application at https://my.telegram.org/apps and copy its api_hash",
    "REDIS_URL": "something like redis://user:password@host:6379/0; leave it out for the embedded server",
    "QUEUE_PREFIX": "letters, digits, dots and dashes, the same for bridge and bot; leave it out for starling",
    "DATABASE_URL": "something like postgresql://user:password@host/starling; leave it out for a SQLite file",
    "LEASE_SECONDS": "seconds from 1 to 60; leave it out for 12",
    "REGISTRATION": "one of approval, open, closed; leave it out for approval",
    "REGISTRATION_LIMIT": "how many channels one person may register, 1 to 500; leave it out for 20",
    "OPERATOR_IDS": "Telegram user ids, with commas between; whoever is named may use /operator",
    "LOG_LEVEL": "one of DEBUG, INFO, WARNING, ERROR",
}


class BridgeSettings(BaseSettings):
    """What the bridge needs to know. Everything but the API credentials has a default."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")

    api_id: int = Field(gt=0)
    api_hash: SecretStr
    redis_url: RedisUrl | None = None
    queue_prefix: QueuePrefix = "starling"
    database_url: SecretStr | None = None
    data_dir: Path = Path("data")
    session_key_file: Path = Path("keys/session.key")
    bridge_name: str = Field("bridge-1", pattern=r"^[A-Za-z0-9_.-]{1,40}$")
    lease_seconds: float = Field(12.0, ge=1, le=60)
    mtproto_server: str | None = None
    mtproto_public_key_file: Path | None = None
    registration: Literal["approval", "open", "closed"] = "approval"
    registration_limit: int = Field(20, ge=1, le=500)
    operator_ids: Annotated[frozenset[int], NoDecode] = frozenset()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def nobody_approves(self) -> bool:
        """Whether people who register channels would wait for nobody."""
        return self.registration == "approval" and not self.operator_ids

    @field_validator("operator_ids", mode="before")
    @classmethod
    def _ids_between_commas(cls, value: object) -> object:
        return [one for one in value.replace(",", " ").split() if one] if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _names_a_database_we_speak(cls, value: SecretStr | None) -> SecretStr | None:
        scheme = urlsplit(value.get_secret_value()).scheme.partition("+")[0] if value else None
        if scheme not in (None, "sqlite", "postgresql", "postgres"):
            raise ValueError("it should begin with sqlite:// or postgresql://")
        return value

    @field_validator("api_hash")
    @classmethod
    def _looks_like_a_hash(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if len(text) != 32 or not all(one in "0123456789abcdef" for one in text.lower()):
            raise ValueError("it must be 32 hexadecimal digits")
        return value

    @field_validator("session_key_file")
    @classmethod
    def _key_outside_data(cls, value: Path, info: object) -> Path:
        data: dict[str, object] = getattr(info, "data", {})
        data_dir = data.get("data_dir")
        if isinstance(data_dir, Path) and value.absolute().resolve().is_relative_to(data_dir.absolute().resolve()):
            raise ValueError("it must lie outside DATA_DIR: a copy of the data alone must open no session")
        return value


def load() -> BridgeSettings:
    """Read the settings.

    Raises:
        SettingsError: a sentence for each one that is missing or wrong.
    """
    return read(BridgeSettings, WHERE)
