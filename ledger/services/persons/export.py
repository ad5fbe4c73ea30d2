"""What is stored of a person, for the person: of others that stand in the same rows, nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.actors import check_actor
from ledger.core.json_value import JsonValue, jsonable
from ledger.core.persons.renaming import renaming
from ledger.services.persons.eraser import check_user
from ledger.spool.spool import Spool
from ledger.store.audit import commitments, history
from ledger.store.database import Database
from ledger.store.persons import persons
from ledger.store.persons.mentions import Mention, mentioned
from ledger.store.readers import read_counts

EXPORTED = "person_exported"
_SHOWN: Mapping[str, Sequence[str]] = {
    "messages": (
        *("process_query_key", "robot_code", "chat", "open_conversation_id", "campaign", "source"),
        *("sent_at", "deadline", "recorded_at", "excerpt"),
    ),
    "keyless": (*("robot_code", "chat", "open_conversation_id", "campaign", "source", "sent_at"), "why", "kind"),
    "items": (
        *("recall_id", "process_query_key", "robot_code", "chat", "open_conversation_id", "campaign", "source"),
        *("sent_at", "deadline", "outcome", "code", "reason", "attempts", "finished_at", "ended_by"),
    ),
    "corrections": ("correction_id", "robot_code", "process_query_key", "outcome", "code", "reason", "finished_at"),
    "skips": ("recall_id", "standing", "process_query_key", "robot_code", "campaign", "sent_at", "deadline"),
    "events": ("kind", "process_query_key", "robot_code", "happened_at", "received_at"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonData(JsonValue):
    """All that is stored of a person: messages that can still be recalled, sends without key, what recalls hold.

    `events` are those of messages that named the person. Where a message did not reach the person, `undelivered` says
    why. `selections` are the recalls that were asked for with their id; `refused` counts rows that no message could be
    made of, `answers` what requests that come twice get. `was_read` of a message says whether the person had
    read it, where somebody asked and it reached nobody else.
    """

    user: str
    messages: Sequence[Mapping[str, Any]]
    keyless: Sequence[Mapping[str, Any]]
    items: Sequence[Mapping[str, Any]]
    skips: Sequence[Mapping[str, Any]]
    corrections: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    selections: Sequence[int]
    answers: int
    refused: int
    mentioned: Sequence[Mention]
    journals: Sequence[str]


class PersonExport:
    """Gathers what is stored of a person; that it was handed out is an entry of the history, without the id."""

    def __init__(
        self, database: Database, clock: Clock, spool_folders: tuple[Path, ...], catch_up: Callable[[], Any]
    ) -> None:
        self._database, self._clock, self._catch_up = database, clock, catch_up
        self._spool = Spool(*spool_folders)

    def run_once(self, user: str, *, actor: str) -> PersonData:
        """Return what is stored of a person; raise InputError for what is no user id, DatabaseError."""
        check_user(user)
        check_actor(actor)
        self._catch_up()
        renamed = renaming(user, "?")
        with self._database.read() as connection:
            rows = {place: list(_rows(connection, place, user)) for place in _SHOWN}
            data = PersonData(
                user=user,
                **rows,
                selections=sorted(persons.selections_of(connection, user)),
                answers=persons.rename_in_answers(connection, renamed, is_rehearsal=True),
                refused=self._spool.refused.count_changed(renamed),
                mentioned=mentioned(connection, user),
                journals=[str(path) for path in self._spool.journals_naming(user)],
            )
        self._note(user, {place: len(found) for place, found in rows.items()}, actor)
        return data

    def _note(self, user: str, counts: Mapping[str, int], actor: str) -> None:
        with self._database.write() as connection:
            commitment = commitments.to_write(connection).of([user])[user]
            detail = {"person": commitment, "places": counts}
            entry = history.Entry(at=self._clock.now(), event=EXPORTED, actor=actor, recall_id=None, detail=detail)
            history.append(connection, [entry])


def _rows(connection: Connection, place: str, user: str) -> Iterator[Mapping[str, Any]]:
    """Yield what a place holds of a person; of a message to nobody else, also whether it was read."""
    found = list(persons.rows_of(connection, place, user))
    number = {"messages": "id", "items": "message_id"}.get(place)
    alone = {row[number] for row in found if row["recipients"] == [user]} if number is not None else set()
    known = read_counts.of_messages(connection, alone) if alone else {}
    for row in found:
        said = known.get(row[number]) if number is not None else None
        yield _shown(place, row, user) | ({} if said is None else {"was_read": bool(said.read)})


def _shown(place: str, row: Mapping[str, Any], user: str) -> dict[str, Any]:
    shown = {name: jsonable(row[name]) for name in _SHOWN[place]}
    if "undelivered" in row:
        shown["undelivered"] = next((why for why, users in row["undelivered"].items() if user in users), None)
    return shown
