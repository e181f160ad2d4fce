"""The names of everything we keep in Redis. All under one hash tag, so that a cluster keeps them together."""

from dataclasses import dataclass

from mtproto_bridge.protocol.ids import AccountId


@dataclass(frozen=True)
class Keys:
    """Key names of one installation."""

    prefix: str = "starling"

    def _name(self, *parts: object) -> str:
        return ":".join((f"{{{self.prefix}}}", *map(str, parts)))

    def lane(self, account: AccountId) -> str:
        """Stream: requests for one account, unfinished ones only."""
        return self._name("lane", account)

    def lease(self, account: AccountId) -> str:
        """String with a TTL: who serves the lane, `bridge:epoch:nonce`."""
        return self._name("lease", account)

    def attempts(self, account: AccountId) -> str:
        """Hash: entry id to how often it was begun."""
        return self._name("attempts", account)

    def epochs(self) -> str:
        """Hash: account to the last epoch given out."""
        return self._name("epochs")

    def replies(self, client: str) -> str:
        """Stream: answers to one client."""
        return self._name("replies", client)

    def read_up_to(self, client: str) -> str:
        """String: the last reply a client has taken care of."""
        return self._name("read", client)

    def nonce(self, actor: int, kind: str, nonce: str) -> str:
        """Hash with a life: the payload a nonce came with first, and its result."""
        return self._name("nonce", actor, kind, nonce)

    def routes(self) -> str:
        """Hash: balance to the account that serves it; a cache, SQL is the truth."""
        return self._name("routes")

    def desk(self) -> str:
        """String: the account whose lane serves requests bound to no account."""
        return self._name("desk")

    def wake(self, bridge: str) -> str:
        """Stream of one bridge: an entry ends its blocking read, when its set of lanes changed."""
        return self._name("wake", bridge)
