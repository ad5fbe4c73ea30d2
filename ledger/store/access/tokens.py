"""Rows of `tokens` and `sessions`: found by digest; what was handed out itself is never here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, insert, null, or_, select, update
from sqlalchemy.exc import IntegrityError

from ledger.core.access.roles import Identity, Role
from ledger.core.json_value import JsonValue
from ledger.core.recording.message import RobotCode
from ledger.store.schema import sessions, tokens

_SHOWN = tuple(column for column in tokens.c if column.name != "digest")
_THAT_WORK = select(tokens.c.digest, *_SHOWN).where(
    tokens.c.digest.in_(bindparam("digests", expanding=True)), tokens.c.revoked_at.is_(None)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceToken(JsonValue):
    """A token as people see it: `prefix` are its first letters, by which its owner recognises it."""

    id: int
    name: str
    role: Role
    robots: tuple[str, ...]
    prefix: str
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    owner: str
    campaigns: tuple[str, ...]

    @property
    def identity(self) -> Identity:
        """Who holds it."""
        return _identity(self.id, self.name, self.role, self.robots, self.campaigns)


def create(
    connection: Connection,
    *,
    name: str,
    role: Role,
    robots: Sequence[str],
    owner: str,
    campaigns: Sequence[str],
    prefix: str,
    digest: str,
    created_by: str,
    created_at: datetime,
) -> ServiceToken | None:
    """Write a token; None when one of that name works already."""
    values = {
        "name": name,
        "role": role.value,
        "robots": list(robots),
        "owner": owner,
        "campaigns": list(campaigns) or null(),
        "prefix": prefix,
        "digest": digest,
        "created_by": created_by,
        "created_at": created_at,
    }
    try:
        with connection.begin_nested():
            return _token(connection.execute(insert(tokens).values(values).returning(*_SHOWN)).one())
    except IntegrityError:
        return None


def listed(connection: Connection) -> list[ServiceToken]:
    """Return all tokens, also revoked ones, in the order of their making."""
    return [_token(row) for row in connection.execute(select(*_SHOWN).order_by(tokens.c.id))]


def names_and_owners(connection: Connection) -> list[tuple[str, str]]:
    """Return the name and the owner of each token that was ever made."""
    found = connection.execute(select(tokens.c.name, tokens.c.owner))
    return [(row.name, row.owner or row.name) for row in found]


def names_that_work(connection: Connection) -> list[str]:
    """Return the names of the tokens that work."""
    return list(connection.scalars(select(tokens.c.name).where(_works())))


def find(connection: Connection, digests: Collection[str]) -> dict[str, ServiceToken]:
    """Return the tokens with these digests that still work, by digest."""
    return {row.digest: _token(row) for row in connection.execute(_THAT_WORK, {"digests": list(digests)})}


def working(connection: Connection) -> dict[str, Identity]:
    """Return who holds the tokens that work, by digest."""
    found = connection.execute(select(tokens.c.digest, *_SHOWN).where(_works()))
    return {row.digest: _identity(row.id, row.name, row.role, row.robots, row.campaigns or ()) for row in found}


def any_exists(connection: Connection) -> bool:
    """Say whether a token was ever made, revoked or not."""
    return connection.execute(select(tokens.c.id).limit(1)).first() is not None


def any_works(connection: Connection) -> bool:
    """Say whether a token works."""
    return connection.execute(select(tokens.c.id).where(_works()).limit(1)).first() is not None


def touch(connection: Connection, token_id: int, now: datetime, if_before: datetime) -> None:
    """Note that a token was used, unless that was noted since a moment."""
    is_old = or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at < if_before)
    connection.execute(update(tokens).where(tokens.c.id == token_id, is_old).values(last_used_at=now))


def revoke(connection: Connection, name: str, now: datetime) -> ServiceToken | None:
    """Make the token of a name stop working, and sign everybody out who signed in with it."""
    statement = update(tokens).where(tokens.c.name == name, _works()).values(revoked_at=now).returning(*_SHOWN)
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    connection.execute(delete(sessions).where(sessions.c.token_id == row.id))
    return _token(row)


def open_session(connection: Connection, digest: str, token_id: int, now: datetime, expires_at: datetime) -> None:
    """Write a session, and forget those that are over."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    values = {"digest": digest, "token_id": token_id, "created_at": now, "expires_at": expires_at}
    connection.execute(insert(sessions).values(values))


def find_session(connection: Connection, digest: str, now: datetime) -> ServiceToken | None:
    """Return the token that somebody is signed in with, if it still works and the session is not over."""
    mine = and_(sessions.c.digest == digest, sessions.c.expires_at > now, _works())
    statement = select(*_SHOWN).join_from(sessions, tokens, sessions.c.token_id == tokens.c.id).where(mine)
    row = connection.execute(statement).one_or_none()
    return _token(row) if row else None


def close_session(connection: Connection, digest: str) -> None:
    """End a session."""
    connection.execute(delete(sessions).where(sessions.c.digest == digest))


def _works() -> ColumnElement[bool]:
    return tokens.c.revoked_at.is_(None)


def _identity(token_id: int, name: str, role: str, robots: Sequence[str], campaigns: Sequence[str]) -> Identity:
    bound = frozenset(RobotCode(robot) for robot in robots)
    return Identity(name=name, role=Role(role), robots=bound, campaigns=frozenset(campaigns), token_id=token_id)


def _token(row: Row[Any]) -> ServiceToken:
    read = {
        "role": Role(row.role),
        "robots": tuple(row.robots),
        "owner": row.owner or row.name,
        "campaigns": tuple(row.campaigns or ()),
    }
    return ServiceToken(**{column.name: row._mapping[column] for column in _SHOWN} | read)
