"""Lists that are paged through by the bridge."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar


class Paged(Protocol):
    """A page of a list."""

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""


P = TypeVar("P", bound=Paged)


async def page_of(ask: Callable[[int], Awaitable[P]], page: int) -> P:
    """The page that is wanted; of a list that became shorter, its last."""
    found = await ask(page)
    return await ask(max(found.pages, 1) - 1) if page > 0 and page >= found.pages else found
