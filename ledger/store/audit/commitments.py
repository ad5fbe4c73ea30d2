"""What the history names people by: rows of `person_secrets` and `person_commitments`, as one transaction sees them."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection, collate, insert, select, text

from ledger.core.persons.person import SECRET_BYTES, commitments_of, committed, is_pseudonym, seal_of, users_in
from ledger.store.dialects import insert_into
from ledger.store.recording.selecting import among
from ledger.store.schema import person_commitments, person_secrets

ROWS_AT_ONCE = 1000
COLUMNS_OF_USERS = ("recipients", "undelivered")
# Of so many people a committer remembers what it found, and then begins anew.
_MOST_REMEMBERED = 200_000
_NEWEST_SECRET = select(person_secrets.c.secret).order_by(person_secrets.c.id.desc()).limit(1)
_ANY_KEPT = select(person_commitments.c.user_id).limit(1)

Cells = tuple[Any, ...]
Columns = Sequence[Sequence[Any]]


@dataclass(slots=True, kw_only=True)
class Committer:
    """Finds the commitments of people; `erased` are those of people who are erased, when the history is to say them."""

    connection: Connection
    secret: bytes | None
    erased: Mapping[str, str] | None = None
    _has_kept: bool = field(init=False)
    _known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._has_kept = any_kept(self.connection)

    def of(self, users: Collection[str]) -> Mapping[str, str]:
        """Return the commitment of each user; of nobody where there is no secret, for then there are none."""
        # A set less the names of a dictionary would go through all of these.
        wanted = set(users).difference(self._known) if self._known else set(users)
        if len(self._known) + len(wanted) > _MOST_REMEMBERED:
            self._known, wanted = {}, set(users)
        if self._has_kept and wanted:
            self._known |= self._kept(wanted)
            wanted = wanted.difference(self._known)
        if self.secret is not None:
            new = commitments_of(self.secret, wanted)
            # Of a part that is frozen nobody was known: ten thousand names are not written down twice.
            if self._known:
                self._known |= new
            else:
                self._known = new
        return self._known

    def rows(self, names: Sequence[str], rows: Iterable[Cells]) -> Iterator[tuple[Cells, Cells]]:
        """Yield rows with what the history covers of each; some at a time are looked up."""
        places = [names.index(name) for name in COLUMNS_OF_USERS if name in names]
        every = iter(rows)
        while some := list(islice(every, ROWS_AT_ONCE)):
            covered = self._covered(zip(*some, strict=True), places)
            yield from zip(some, zip(*covered, strict=True), strict=True)

    def covered(self, names: Sequence[str], columns: Columns) -> Columns:
        """Return what the history covers of rows, both by column."""
        return self._covered(columns, [names.index(name) for name in COLUMNS_OF_USERS if name in names])

    def selection(self, parts: Mapping[str, Any]) -> Any:
        """Return a selection, by its JSON parts, as the history holds it."""
        users = parts.get("users") if isinstance(parts, Mapping) else None
        if not users:
            return parts
        named = committed(users, self.of(users_in([users])))
        return {**parts, "users": named.split(" ") if isinstance(named, str) else named}

    def _covered(self, columns: Iterable[Sequence[Any]], places: Sequence[int]) -> Columns:
        covered = list(columns)
        for place in places if covered else ():
            commitments = self.of(users_in(covered[place]))
            covered[place] = [committed(cell, commitments) for cell in covered[place]]
        return covered

    def _kept(self, users: Collection[str]) -> dict[str, str]:
        is_sqlite = self.connection.dialect.name == "sqlite"
        columns = person_commitments.c
        kept = select(columns.user_id, columns.commitment)
        rows = self.connection.execute(kept.where(among(columns.user_id, sorted(users), is_sqlite=is_sqlite)))
        found = {user: str(commitment) for user, commitment in rows}
        if self.erased is not None:
            found |= {user: self.erased.get(user, f"?{user}") for user in found if is_pseudonym(user)}
        return found


def to_write(connection: Connection) -> Committer:
    """Return the committer of a transaction that adds to the history: until it ends, nobody is erased."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(hashtext('ledger people'))"))
    secret = _secret(connection)
    if secret is None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ledger first person'))"))
        secret = _secret(connection) or renew_secret(connection)
    return Committer(connection=connection, secret=secret)


def to_check(connection: Connection, erased: Mapping[str, str]) -> Committer:
    """Return a committer to compare with: who is erased is what the history says."""
    return Committer(connection=connection, secret=_secret(connection), erased=erased)


def lock_people(connection: Connection) -> None:
    """Wait until nobody adds people to the history, and keep others from it until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ledger people'))"))


def renew_secret(connection: Connection) -> bytes:
    """Make the secret of all who are named from now on; that of before is gone."""
    connection.execute(person_secrets.delete())
    secret = os.urandom(SECRET_BYTES)
    connection.execute(insert(person_secrets).values(secret=secret))
    return secret


def keep(connection: Connection, committer: Committer, people: Iterable[Sequence[str]], *, but_for: str) -> None:
    """Keep the commitments of people one by one, but for one of them, and make another secret for who comes later."""
    statement = insert_into(connection, person_commitments).on_conflict_do_nothing()
    for some in people:
        commitments = committer.of(some)
        rows = [{"user_id": user, "commitment": commitments[user]} for user in some if user != but_for]
        if rows:
            connection.execute(statement, rows)
    connection.execute(person_commitments.delete().where(person_commitments.c.user_id == but_for))
    renew_secret(connection)


def keep_erased(connection: Connection, pseudonym: str, commitment: str) -> None:
    """Keep the commitment of somebody who is erased, under the name that they have from now on."""
    connection.execute(insert(person_commitments).values(user_id=pseudonym, commitment=commitment))


def any_kept(connection: Connection) -> bool:
    """Say whether commitments are kept one by one, as they are since somebody was erased."""
    return connection.execute(_ANY_KEPT).first() is not None


def of_erased(connection: Connection, erased: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield those of people who are erased, with their commitments, who are still kept one by one."""
    is_sqlite = connection.dialect.name == "sqlite"
    kept = select(person_commitments.c.user_id)
    mine = among(person_commitments.c.user_id, sorted(erased), is_sqlite=is_sqlite)
    for user in connection.scalars(kept.where(mine).order_by(person_commitments.c.user_id)):
        yield str(user), erased[str(user)]


def seal(connection: Connection) -> str:
    """Return a digest over all commitments that are kept one by one, for the history to hold."""
    columns = person_commitments.c
    order = columns.user_id if connection.dialect.name == "sqlite" else collate(columns.user_id, "C")
    kept = select(columns.user_id, columns.commitment).order_by(order).execution_options(yield_per=ROWS_AT_ONCE)
    return seal_of(_secret(connection) or b"", ((str(user), str(one)) for user, one in connection.execute(kept)))


def _secret(connection: Connection) -> bytes | None:
    secret = connection.execute(_NEWEST_SECRET).scalar_one_or_none()
    return secret if isinstance(secret, bytes) else None
