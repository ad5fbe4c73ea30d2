"""The rows of corrections that people are shown, as they stand: what the check of the history holds against it."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from ledger.core.audit.chain_facts import named
from ledger.core.corrections.correction_text import digest_of_param
from ledger.core.json_value import jsonable
from ledger.store.audit.commitments import Committer
from ledger.store.audit.raw_rows import raw_rows
from ledger.store.audit.shown import ShownItem, rows_of_table
from ledger.store.corrections.correction_sends import FROZEN_OF_SEND
from ledger.store.schema import correction_sends, corrections

_SEND_STATE = (
    *("correction_id", "outcome", "code", "reason", "http_status", "request_id", "duration_ms", "attempts"),
    *("never_left", "process_query_key", "finished_at", "ended_by", "undelivered"),
)


def shown_corrections(connection: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield corrections by number; of what they say, the digest that the history has."""
    for number, row in rows_of_table(connection, corrections):
        row["msg_param"] = digest_of_param(row["msg_param"])
        yield number, row


def shown_sends(connection: Connection, committer: Committer) -> Iterator[tuple[int, ShownItem]]:
    """Yield sends by number, with the people in them as the history covers them."""
    names = (*FROZEN_OF_SEND, *_SEND_STATE)
    columns, size = [correction_sends.c[name] for name in names], len(FROZEN_OF_SEND)
    for cells, covered in committer.rows(names, raw_rows(connection, columns, correction_sends.c.id)):
        state = named(_SEND_STATE, covered[size:])
        state["finished_at"] = jsonable(state["finished_at"])
        yield cells[0], ShownItem(frozen=cells[:size], covered=covered[:size], state=state)
