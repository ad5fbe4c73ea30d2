"""Rows of `answers`: requests with an Idempotency-Key, claimed before they are worked on, and what was answered."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, update

from ledger.store.dialects import insert_into
from ledger.store.schema import answers


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """A request as it came first: by whose claim it is worked on, and what was answered (None: nothing yet)."""

    request_digest: str
    claim: str
    status: int | None
    body: str | None


def claim(
    connection: Connection, scope: str, key: str, request_digest: str, claim: str, now: datetime, until: datetime
) -> IdempotencyRecord:
    """Claim a request until a moment, unless it came before; return it as it stands."""
    columns = answers.c
    connection.execute(delete(answers).where(columns.expires_at <= now))
    values = {"scope": scope, "key": key, "request_digest": request_digest, "claim": claim, "expires_at": until}
    # In one statement, which changes nothing of a row that is there: whoever drops it comes before or after.
    claiming = insert_into(connection, answers).values(values)
    claiming = claiming.on_conflict_do_update(index_elements=[columns.scope, columns.key], set_={"scope": scope})
    shown = (columns.request_digest, columns.claim, columns.status, columns.body)
    row = connection.execute(claiming.returning(*shown)).one()
    return IdempotencyRecord(**row._mapping)


def keep(connection: Connection, claim: str, status: int, body: str, until: datetime) -> None:
    """Keep what was answered until a moment."""
    mine = and_(answers.c.claim == claim, answers.c.status.is_(None))
    connection.execute(update(answers).where(mine).values(status=status, body=body, expires_at=until))


def drop(connection: Connection, claim: str) -> None:
    """Forget a request that was not answered: it may come again."""
    connection.execute(delete(answers).where(answers.c.claim == claim, answers.c.status.is_(None)))
