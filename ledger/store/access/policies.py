"""Rows of `policies`: what decides for everybody, each with who set it; the latest row of a name counts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from ledger.core.access.policy import PolicyName
from ledger.core.json_value import JsonValue
from ledger.store.schema import policies

_LATEST = (
    select(policies.c.name, policies.c.value, policies.c.set_by, policies.c.set_at)
    .where(policies.c.name == bindparam("name"))
    .order_by(policies.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(JsonValue):
    """A policy as somebody set it; without a value it decides nothing."""

    name: PolicyName
    value: int | None
    set_by: str
    set_at: datetime


def current(connection: Connection, name: PolicyName) -> Policy | None:
    """Return what was set last under a name; None when nothing ever was."""
    row = connection.execute(_LATEST, {"name": name.value}).one_or_none()
    return Policy(**{**row._mapping, "name": name}) if row else None


def value_of(connection: Connection, name: PolicyName) -> int | None:
    """Return what a policy says; None when it decides nothing."""
    policy = current(connection, name)
    return policy.value if policy else None


def put(connection: Connection, policy: Policy) -> int:
    """Set a policy from now on; return the number of its row."""
    values = {"name": policy.name.value, "value": policy.value, "set_by": policy.set_by, "set_at": policy.set_at}
    key = connection.execute(insert(policies).values(values)).inserted_primary_key
    assert key is not None  # noqa: S101  (an insert of one row always has a key)
    return int(key[0])
