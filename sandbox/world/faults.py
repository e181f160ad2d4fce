"""Faults on demand: what a test or the control surface asks Telegram to do wrong."""

from dataclasses import dataclass, field
from typing import Literal

FaultKind = Literal["flood_wait", "error", "drop", "delay"]


@dataclass
class Fault:
    """One scripted fault, used up after `times` matching calls.

    `method` is an MTProto method (`payments.connectStarRefBot`) or a Bot API method (`sendMessage`).
    """

    kind: FaultKind
    method: str = "*"
    times: int = 1
    account_id: int | None = None
    """Only for calls of this account (MTProto) or to this chat (Bot API)."""
    seconds: float = 0
    """How long to wait: told to the caller (flood_wait) or waited before the answer (delay)."""
    code: int = 400
    message: str = ""
    after: bool = False
    """Drop only: after the call was carried out, so that the answer is what gets lost."""


@dataclass
class Faults:
    """The faults waiting for a matching call, in the order they were set."""

    waiting: list[Fault] = field(default_factory=list)

    def set(self, fault: Fault) -> None:
        """Let the next matching calls meet this fault."""
        self.waiting.append(fault)

    def take(self, method: str, account_id: int | None) -> Fault | None:
        """The fault this call meets, counted down; None for a call that is served as usual."""
        for fault in self.waiting:
            if fault.method not in ("*", method) or fault.account_id not in (None, account_id):
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.waiting.remove(fault)
            return fault
        return None
