"""Which language a person is spoken to in: the one they chose with /language, or their Telegram app's.

The choice is kept in the storage of open questions under a destiny of its own: leaving a question does not erase it.
"""

from typing import Any

import structlog
from aiogram.fsm.storage.base import BaseStorage, StorageKey
from aiogram.types import User
from redis.exceptions import RedisError

from bot.i18n import FALLBACK, Texts, Translations

DESTINY = "language"
_LOCALE, _CHOSEN = "locale", "chosen"

log = structlog.get_logger()


class Languages:
    """The language of each person: one look into the storage an update, and one a message told unasked."""

    def __init__(self, translations: Translations, storage: BaseStorage, bot_id: int) -> None:
        self.all = [translations.texts(tag) for tag in translations.languages]
        self.english = translations.texts(FALLBACK)
        self.storage = storage
        self._translations = translations
        self._bot_id = bot_id

    def of_app(self, person: User | None) -> Texts:
        """The language of a person's Telegram app."""
        return self._translations.texts(person.language_code if person else None)

    async def of(self, person: User | None) -> Texts:
        """The language of somebody who says or presses something; their app's while the storage is out of reach."""
        app = self.of_app(person)
        if person is None:
            return app
        try:
            kept = await self._kept(person.id)
            if kept.get(_CHOSEN):
                return self._spoken(kept, app)
            if kept and kept[_LOCALE] != app.locale:  # it was chosen to follow the app, which speaks another one now
                await self._keep(person.id, app, chosen=False)
        except (RedisError, OSError) as error:
            log.warning("language.unknown", reason=type(error).__name__)
        return app

    async def told(self, person_id: int, locale: str) -> Texts:
        """The language to tell somebody something in unasked; `locale`: theirs as far as is known elsewhere."""
        known = self._translations.texts(locale)
        try:
            return self._spoken(await self._kept(person_id), known)
        except (RedisError, OSError) as error:
            log.warning("language.unknown", reason=type(error).__name__)
            return known

    async def chosen(self, person_id: int) -> str | None:
        """The tag of the language a person chose; None: it follows their app."""
        kept = await self._kept(person_id)
        return str(kept[_LOCALE]) if kept.get(_CHOSEN) else None

    async def choose(self, person: User, tag: str | None) -> Texts:
        """From now on this language, or with None the app's. One that is not spoken (any more) is the app's, too."""
        chosen = tag in self._translations.languages
        texts = self._translations.texts(tag) if chosen else self.of_app(person)
        await self._keep(person.id, texts, chosen=chosen)
        return texts

    async def forget(self, person_id: int) -> None:
        """Forget a person's choice."""
        await self.storage.set_data(self._key(person_id), {})

    def _spoken(self, kept: dict[str, Any], otherwise: Texts) -> Texts:
        return next((one for one in self.all if one.locale == kept.get(_LOCALE)), otherwise)

    async def _kept(self, person_id: int) -> dict[str, Any]:
        return await self.storage.get_data(self._key(person_id))

    async def _keep(self, person_id: int, texts: Texts, *, chosen: bool) -> None:
        await self.storage.set_data(self._key(person_id), {_LOCALE: texts.locale, _CHOSEN: chosen})

    def _key(self, person_id: int) -> StorageKey:
        return StorageKey(bot_id=self._bot_id, chat_id=person_id, user_id=person_id, destiny=DESTINY)
