"""The names of everything we keep in Redis. All under one hash tag, so that a cluster keeps them together."""

from dataclasses import dataclass
from functools import cached_property

from mtproto_bridge.protocol.ids import AccountId


@dataclass(frozen=True)
class Keys:
    """Key names of one installation."""

    prefix: str = "starling"

    @cached_property
    def _tag(self) -> str:
        return f"{{{self.prefix}}}"

    def lane(self, account: AccountId) -> str:
        """Stream: the unfinished requests for one account. The channel of this name tells of each as it comes."""
        return f"{self._tag}:lane:{account}"

    def lease(self, account: AccountId) -> str:
        """String with a life: who serves the lane, `bridge:epoch:nonce`."""
        return f"{self._tag}:lease:{account}"

    def attempts(self, account: AccountId) -> str:
        """Hash: entry id to how often it was begun, and the token it was begun under last (none: it was parked)."""
        return f"{self._tag}:attempts:{account}"

    def floods(self, account: AccountId) -> str:
        """Hash with a life: method to when it may be called again, in ms since 1970."""
        return f"{self._tag}:floods:{account}"

    def epochs(self) -> str:
        """Hash: account to the last epoch given out."""
        return f"{self._tag}:epochs"

    def bridges(self) -> str:
        """Sorted set: the bridges that live, each with the moment (ms) it counts as dead unless heard again."""
        return f"{self._tag}:bridges"

    def news(self) -> str:
        """Channel that every bridge hears: the name of one that released a lane."""
        return f"{self._tag}:news"

    def replies(self, client: str) -> str:
        """Stream: answers a client has not taken care of yet. The channel of this name tells of each as it comes."""
        return f"{self._tag}:replies:{client}"

    def events(self) -> str:
        """Stream: what the bot has not told people yet. The channel of this name says that there is something."""
        return f"{self._tag}:events"

    def nonce(self, actor: int, kind: str, nonce: str) -> str:
        """String with a life: the payload a nonce came with first, and on a second line its result."""
        return f"{self._tag}:nonce:{actor}:{kind}:{nonce}"

    def share(self, actor: int) -> str:
        """Hash with a life: how much one person may still ask of the desk."""
        return f"{self._tag}:share:{actor}"

    def dead_letters(self) -> str:
        """Stream: requests that were begun too often without an end."""
        return f"{self._tag}:dead-letters"

    def installation(self) -> str:
        """String: whose keys these are."""
        return f"{self._tag}:installation"

    def bot(self) -> str:
        """String: the bot that works with this queue, its id and its username."""
        return f"{self._tag}:bot"

    def routes(self) -> str:
        """Hash: balance to the account that serves it; a cache, SQL is the truth."""
        return f"{self._tag}:routes"

    def desk(self) -> str:
        """String: the account whose lane serves requests bound to no account."""
        return f"{self._tag}:desk"
