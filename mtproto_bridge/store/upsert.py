"""Insert or renew in one statement: what two tasks do at once must not fail for either."""

from collections.abc import Sequence

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.store.tables import Base


class Upsert:
    """One statement for one table, built once: building a statement costs more than running it.

    `keys` name the row, `told` are the columns renewed when it is there; with none, it stays as it is. Run with a
    value for each of them.
    """

    def __init__(
        self, table: type[Base], keys: Sequence[str], told: Sequence[str], *, returning: str | None = None
    ) -> None:
        self._answers = returning is not None
        core = table.__table__
        if not isinstance(core, Table):
            raise TypeError("a mapped class has a table")
        # The words mean the same in both of our databases, but each has its own insert.
        self._statements = {
            name: _build(insert(core), core, keys, told, returning)
            for name, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
        }

    async def run(self, session: AsyncSession, values: dict[str, object]) -> int | None:
        """Insert or renew one row; answers the column asked for with `returning`."""
        result = await session.execute(self._statements[session.get_bind().dialect.name], values)
        return result.scalar() if self._answers else None


def _build(
    insert: sqlite.Insert | postgresql.Insert,
    table: Table,
    keys: Sequence[str],
    told: Sequence[str],
    returning: str | None,
) -> Executable:
    if told:
        renewed = {name: insert.excluded[name] for name in told}
        statement = insert.on_conflict_do_update(index_elements=keys, set_=renewed)
    else:
        statement = insert.on_conflict_do_nothing(index_elements=keys)
    return statement.returning(table.c[returning]) if returning else statement
