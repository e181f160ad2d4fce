"""The bot's settings: environment variables, or a file `.env`."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mtproto_bridge.client import embedded_url
from processes import redis_url
from processes.settings import QueuePrefix, RedisUrl, SettingsError, read

_TOKEN = re.compile(r"[0-9]{3,16}:[A-Za-z0-9_-]{30,}", re.ASCII)

WHERE = {
    "BOT_TOKEN": "talk to @BotFather in Telegram, send /newbot or /token, and copy the token it shows",
    "REDIS_URL": "give the URL of your Redis or Valkey, like redis://localhost:6379/0, or leave it out to use"
    " the one the bridge starts by itself",
    "QUEUE_PREFIX": "letters, digits, dots and dashes, the same as the bridge's, or leave it out for starling",
    "DATA_DIR": "give a folder that the bridge uses too, or leave it out for ./data",
    "BOT_API_URL": "leave it out to use Telegram itself",
    "BOT_NAME": "letters, digits, dots and dashes that stay the same over restarts, or leave it out for bot-1",
    "LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR, or leave it out for INFO",
}


class Settings(BaseSettings):
    """What the bot is told from outside."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    bot_token: SecretStr
    redis_url: RedisUrl | None = None
    queue_prefix: QueuePrefix = "starling"
    data_dir: Path = Path("data")
    bot_api_url: str | None = None
    bot_name: str = Field("bot-1", pattern=r"^[A-Za-z0-9_.-]{1,40}$")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("bot_token")
    @classmethod
    def _looks_like_a_token(cls, token: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("it should look like 123456789:AAE… without spaces or quotes")
        return token

    @field_validator("bot_api_url")
    @classmethod
    def _is_on_this_machine(cls, url: str | None) -> str | None:
        # Whoever answers there learns the token and speaks as Telegram, so only this machine may.
        if url and not _is_loopback(url):
            raise ValueError("another server than Telegram may only be on this machine, like http://127.0.0.1:8081")
        return url

    def queue_url(self) -> str:
        """The queue's URL: the one given, or that of the server the bridge embeds.

        Raises:
            SettingsError: the data folder's path is too long for a socket.
        """
        if self.redis_url:
            return self.redis_url.get_secret_value()
        try:
            return embedded_url(self.data_dir)
        except Exception as error:  # noqa: BLE001 - its type lives behind the client; its text is the sentence
            raise SettingsError(str(error)) from None


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def place_of(queue_url: str) -> str:
    """Where a queue is, without the password its URL may hold."""
    return str(redis_url.parse(queue_url))


def load() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a sentence for each that is missing or wrong.
    """
    return read(Settings, WHERE)
