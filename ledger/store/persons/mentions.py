"""Texts that people wrote, and that others gave us: where a user id is mentioned in them. They are not changed."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Column, Connection, Text, cast, select

from ledger.core.json_value import JsonValue
from ledger.core.persons.person import mentions_of
from ledger.store.schema import (
    approvals,
    audit_reads,
    correction_sends,
    corrections,
    history,
    keyless_sends,
    messages,
    recall_calls,
    recall_items,
    recalls,
    tokens,
)

_BATCH_ROWS = 1000
MOST_NAMED = 20
# Each with the column by which people find it again.
_TEXTS: tuple[tuple[Column[int], tuple[Column[str], ...]], ...] = (
    (recalls.c.id, (recalls.c.reason, recalls.c.actor, recalls.c.moved_by, recalls.c.error)),
    (approvals.c.recall_id, (approvals.c.reason, approvals.c.requested_by, approvals.c.decided_by)),
    (recall_items.c.recall_id, (recall_items.c.reason, recall_items.c.campaign, recall_items.c.source)),
    (recall_calls.c.recall_id, (recall_calls.c.reason,)),
    (
        corrections.c.recall_id,
        (corrections.c.reason, corrections.c.actor, corrections.c.moved_by, corrections.c.campaign),
    ),
    (corrections.c.recall_id, (corrections.c.msg_param, corrections.c.refusal, corrections.c.error)),
    (corrections.c.recall_id, (corrections.c.requested_by, corrections.c.decided_by)),
    (correction_sends.c.id, (correction_sends.c.reason,)),
    (history.c.id, (history.c.actor, history.c.detail)),
    (messages.c.id, (messages.c.campaign, messages.c.source)),
    (keyless_sends.c.id, (keyless_sends.c.why, keyless_sends.c.campaign, keyless_sends.c.source)),
    (tokens.c.id, (tokens.c.name, tokens.c.owner)),
    (audit_reads.c.id, (audit_reads.c.actor, audit_reads.c.filters)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention(JsonValue):
    """A column in whose texts a user id is mentioned: in how many rows, and the numbers of some.

    They are those of recalls, else of the rows themselves; `history` has its own.
    """

    place: str
    rows: int
    numbers: tuple[int, ...] = field(default=())


def mentioned(connection: Connection, user: str) -> list[Mention]:
    """Return where a user id stands in texts, as a word of its own."""
    return [
        found
        for number, columns in _TEXTS
        for column in columns
        if (found := _in_column(connection, number, column, user))
    ]


def _in_column(connection: Connection, number: Column[int], column: Column[str], user: str) -> Mention | None:
    pattern, numbers, rows = mentions_of(user), dict[int, None](), 0
    for key, written in _rows(connection, number, column, user):
        if pattern.search(written):
            rows += 1
            if len(numbers) < MOST_NAMED:
                numbers[key] = None
    place = f"{column.table.name}.{column.name}"
    return Mention(place=place, rows=rows, numbers=tuple(numbers)) if rows else None


def _rows(connection: Connection, number: Column[int], column: Column[str], user: str) -> Iterator[tuple[int, str]]:
    words = cast(column, Text)
    found = select(number, words).where(words.contains(user, autoescape=True)).order_by(number)
    for row in connection.execute(found.execution_options(yield_per=_BATCH_ROWS)):
        yield row[0], row[1]
