"""What a check-up finds: one thing after the other, each ok, a warning, or failed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from ledger.core.json_value import JsonValue

Fact = int | str


class Level(StrEnum):
    """How well something is."""

    OK = "ok"
    WARNING = "warning"  # nothing that stops a recall, but somebody should know
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(JsonValue):
    """One thing looked at: how it is, what was found, and what to do when that is not ok; `ok` unless it failed.

    `facts` are the values in that, by name, for whoever says it in other words: numbers with their unit in the name,
    moments in RFC 3339, names as they are.
    """

    name: str
    ok: bool
    level: Level
    found: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


def ok(name: str, found: str, **facts: Fact) -> Check:
    """Return a check of something that is well."""
    return Check(name=name, ok=True, level=Level.OK, found=found, facts=facts)


def warning(name: str, found: str, **facts: Fact) -> Check:
    """Return a check of something that somebody should know."""
    return Check(name=name, ok=True, level=Level.WARNING, found=found, facts=facts)


def failed(name: str, found: str, **facts: Fact) -> Check:
    """Return a check of something that has to be fixed."""
    return Check(name=name, ok=False, level=Level.FAILED, found=found, facts=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckUp(JsonValue):
    """All checks; `ok` when no check failed."""

    ok: bool
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, checks: Iterable[Check]) -> Self:
        """Take checks together."""
        found = tuple(checks)
        return cls(ok=all(check.ok for check in found), checks=found)
