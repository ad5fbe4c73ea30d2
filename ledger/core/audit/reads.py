"""Who read the audit over HTTP, and what: a reading as it is kept, and the digest by which the history seals many."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ledger.core.json_value import JsonValue
from ledger.core.limits import storable

# So many of them, or the first of them so old, and an entry of the history seals them.
SEALED_READS = 1000
SEALED_AFTER = timedelta(days=1)
SEALED = "reads_sealed"
USER = "user"
# What narrows or forms a reading; whatever else stands in an address is nobody's business, and may name people.
_FILTERS = frozenset(
    (
        *("campaign", "untagged", "source", USER, "key", "robot", "since", "until", "outcome", "actor"),
        *("recalled_since", "recalled_until", "status", "format", "per_person", "pending", "only", "raw"),
    )
)
_A_LINE_EACH = (USER, "key")
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(JsonValue):
    """One reading, or some alike that came within seconds: by whom, what was asked for, how many rows were given out.

    `route` is that of the service, without values. People in `filters` are named as the history names them.
    """

    at: datetime
    actor: str
    route: str
    recall_id: int | None
    filters: Mapping[str, Any]
    rows: int
    times: int = 1


def filters_of(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return what an address asks for, by name."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        values = value.splitlines() if name in _A_LINE_EACH else [value]
        if name in _FILTERS and (given := tuple(one.strip() for one in values if one.strip())):
            found[name] = (*found.get(name, ()), *given)
    return found


def users_of(filters: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Return the ids of people that were asked for."""
    return filters.get(USER, ())


def kept_filters(filters: Mapping[str, Sequence[str]], commitments: Mapping[str, str]) -> dict[str, Any]:
    """Return filters as they are kept: people by their commitments, and long lists by their number and a digest."""
    kept: dict[str, Any] = {}
    for name, given in filters.items():
        values = [commitments[one] for one in given] if name == USER else [storable(one) for one in given]
        digest = hashlib.sha256("\n".join(sorted(values)).encode()).hexdigest()
        kept[name] = values if len(values) <= _MOST_NAMED else {"count": len(values), "sha256": digest}
    return kept


def digest_of(rows: Iterable[Mapping[str, Any]]) -> tuple[int, str]:
    """Return the number of rows, as JSON values, and a digest over all of them in their order."""
    count, digest = 0, hashlib.sha256()
    for row in rows:
        count += 1
        line = json.dumps(row, sort_keys=True, separators=(",", ":"), default=str)
        digest.update(line.encode() + b"\n")
    return count, digest.hexdigest()
