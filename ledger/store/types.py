"""Column types that mean the same on both databases."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

from ledger.clock import as_utc


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time: timestamptz on PostgreSQL, UTC text with microseconds on SQLite. Naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware time into UTC, without its zone where the database has none."""
        if value is None:
            return None
        moment = as_utc(value)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Give the time back aware and in UTC."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if dialect.name == "sqlite" else moment.astimezone(UTC)


# What psql users expect on PostgreSQL, and the nearest thing on SQLite.
Id: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
UserIds: TypeEngine[Any] = ARRAY(Text()).with_variant(JSON(), "sqlite")
Document: TypeEngine[Any] = JSONB().with_variant(JSON(), "sqlite")
