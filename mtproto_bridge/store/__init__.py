"""The durable store: SQL is the truth for what is ours; Telegram is the truth for links and counters."""

from mtproto_bridge.store.database import Store, open_store

__all__ = ["Store", "open_store"]
