"""Rows of `machine_clocks`: when the even clock of each machine showed zero, as its processes agreed."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from ledger.store.dialects import insert_into
from ledger.store.schema import machine_clocks
from ledger.store.types import UtcDateTime

_ZERO_OF_ONE = select(machine_clocks.c.zero_at).where(machine_clocks.c.machine == bindparam("machine"))


def zero_of(connection: Connection, machine: str) -> datetime | None:
    """Return when a machine's even clock showed zero; None when none of its processes has said so."""
    return connection.scalar(_ZERO_OF_ONE, {"machine": machine})


def agree_on(connection: Connection, machine: str, zero_at: datetime) -> None:
    """Write down when a machine's even clock showed zero, unless another process was quicker."""
    connection.execute(
        insert_into(connection, machine_clocks).values(machine=machine, zero_at=zero_at).on_conflict_do_nothing()
    )


def server_time(connection: Connection) -> datetime:
    """Return the time of the PostgreSQL server at this moment, in UTC."""
    return connection.execute(select(func.clock_timestamp(type_=UtcDateTime()))).scalar_one()
