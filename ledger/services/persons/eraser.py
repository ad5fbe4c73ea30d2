"""Erasing a person: their id goes from wherever the ledger holds it, and what was done stays provable.

The file of refused rows comes first, then all tables in one transaction with the entry that tells of it, then what
deleted rows leave in the database's files. Whoever dies over it does the same again: nothing is done twice.
"""

import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.actors import check_actor
from ledger.core.json_value import JsonValue
from ledger.core.limits import check_reason, check_text
from ledger.core.persons.person import PSEUDONYM_BYTES, is_pseudonym, mentions_of, pseudonym_of
from ledger.core.persons.renaming import renaming
from ledger.errors import InputError, WrongStateError
from ledger.spool.spool import Spool
from ledger.store.audit import commitments, history
from ledger.store.database import Database
from ledger.store.persons import persons
from ledger.store.persons.mentions import Mention, mentioned
from ledger.store.recording import excerpts
from ledger.store.upkeep import remains

ERASED = "person_erased"
_CORRECTED = "being corrected"
_WHAT_TO_DO = {
    _CORRECTED: "`ledger resume {0}`, or `ledger cancel {0}`, ends its correction",
    "running": "wait until it has finished, or `ledger cancel {0}`",
    "paused": "`ledger resume {0}`, or `ledger cancel {0}`",
    "freezing": "its messages are still being copied: wait a moment",
    "sticky": "it was asked for this person and recalls what arrives late: `ledger unstick {0}`",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces(JsonValue):
    """Where a person stands: rows by place, texts that mention them, journals of senders that still run.

    An erasure takes the id out of all `places`. It changes no text of `mentioned`, and no journal.
    """

    places: Mapping[str, int]
    mentioned: tuple[Mention, ...]
    journals: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """True when there is anything to erase."""
        return any(self.places.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure(JsonValue):
    """What an erasure did: the name that the person has from now on, None when nothing was stored of them.

    `left` says what of the database's files could not be written anew, None when all of it was.
    """

    person: str | None
    places: Mapping[str, int]
    mentioned: tuple[Mention, ...]
    journals: tuple[str, ...]
    left: str | None


class PersonEraser:
    """Shows what is stored of a person, and takes their id out of it."""

    def __init__(self, database: Database, clock: Clock, spool_folders: tuple[Path, ...], catch_up: Callable[[], Any]):
        self._database, self._clock, self._catch_up = database, clock, catch_up
        self._spool = Spool(*spool_folders)

    def look(self, user: str) -> Traces:
        """Return where a person stands; raise InputError for what is no user id, DatabaseError."""
        check_user(user)
        self._catch_up()
        with self._database.read() as connection:
            places = places_of(connection, user)
            texts = tuple(mentioned(connection, user))
        places["refused"] = self._spool.refused.count_changed(renaming(user, "?"))
        return Traces(places=places, mentioned=texts, journals=self._journals(user))

    def erase(self, user: str, *, reason: str, actor: str) -> Erasure:
        """Take a person's id out of everything, for good, and say so in the history.

        Raise InputError for a reason that names the person, WrongStateError while a recall is at their messages.
        """
        check_user(user)
        check_reason("an erasure", reason)
        check_actor(actor)
        if mentions_of(user).search(reason):
            raise InputError("the reason names the person, and the history keeps it: give one that does not")
        traces = self.look(user)
        self._refuse_while_at_work(user)
        pseudonym = pseudonym_of(os.urandom(PSEUDONYM_BYTES))
        refused = self._spool.refused.change(renaming(user, pseudonym))
        done = self._erase_rows(user, pseudonym, reason, actor, refused)
        left = remains.take_out(self._database)
        if left is not None:
            log.warning("an erasure is not whole: %s", left)
        return Erasure(
            person=pseudonym if done is not None else None,
            places=done or dict.fromkeys(traces.places, 0),
            mentioned=traces.mentioned,
            journals=self._journals(user),
            left=left,
        )

    def _erase_rows(self, user: str, pseudonym: str, reason: str, actor: str, refused: int) -> Mapping[str, int] | None:
        """Erase from the tables; return how many rows of each place, None when there were none."""
        with self._database.write() as connection:
            commitments.lock_people(connection)
            self._check_at_work(connection, user)
            remains.overwrite(connection, on=True)
            if not refused and not any(places_of(connection, user).values()):
                persons.rename_in_indexes(connection, user, pseudonym)
                return None
            committer = commitments.to_write(connection)
            commitment = committer.of([user])[user]
            # Before their rows have the other name: whoever is in the history keeps the commitment that is there.
            commitments.keep(connection, committer, persons.people_to_keep(connection), but_for=user)
            # First of all: whose they are stands in the names.
            said = excerpts.forget_of(connection, user, persons.named_in_messages(connection, user))
            done = Counter({place: persons.rename_rows(connection, place, user, pseudonym) for place in persons.TABLES})
            done["selections"] = persons.rename_in_selections(connection, user, pseudonym)
            done["answers"] = persons.rename_in_answers(connection, renaming(user, pseudonym))
            done["refused"] = refused
            done["excerpts"] = said
            persons.rename_in_indexes(connection, user, pseudonym)
            commitments.keep_erased(connection, pseudonym, commitment)
            detail = {
                "person": pseudonym,
                "commitment": commitment,
                "reason": reason,
                "places": dict(done),
                "kept": commitments.seal(connection),
            }
            entry = history.Entry(at=self._clock.now(), event=ERASED, actor=actor, recall_id=None, detail=detail)
            history.append(connection, [entry])
            remains.overwrite(connection, on=False)
        log.info("%s is erased by %s", pseudonym, actor, extra={"facts": {"person": pseudonym, "actor": actor}})
        return dict(done)

    def _refuse_while_at_work(self, user: str) -> None:
        with self._database.read() as connection:
            self._check_at_work(connection, user)

    def _check_at_work(self, connection: Connection, user: str) -> None:
        found = persons.recalls_at_work(connection, user, self._clock.now())
        found += [(number, _CORRECTED) for number in persons.recalls_being_corrected(connection, user)]
        if found:
            said = "; ".join(f"recall {number} is {what}: {_WHAT_TO_DO[what].format(number)}" for number, what in found)
            raise WrongStateError(
                f"nothing was erased, since recalls are at messages of this person. {said}; then erase again"
            )

    def _journals(self, user: str) -> tuple[str, ...]:
        return tuple(str(path) for path in self._spool.journals_naming(user))


def places_of(connection: Connection, user: str) -> dict[str, int]:
    """Return how many rows name a person, by place."""
    places = {place: persons.count_rows(connection, place, user) for place in persons.TABLES}
    places["selections"] = len(persons.selections_of(connection, user))
    places["excerpts"] = excerpts.count_of(connection, user, persons.named_in_messages(connection, user))
    places["answers"] = persons.rename_in_answers(connection, renaming(user, "?"), is_rehearsal=True)
    return places


def check_user(user: str) -> None:
    """Raise InputError for what is no user id of anybody whom the ledger may know."""
    if not user.strip():
        raise InputError("the user is empty: name the user id of the person")
    check_text("the user", user)
    if is_pseudonym(user):
        raise InputError(f"{user} is erased already")
