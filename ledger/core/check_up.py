"""What a check-up finds: one thing after the other, each ok, a warning, or failed."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from ledger.core.json_value import JsonValue


class Level(StrEnum):
    """How well something is."""

    OK = "ok"
    WARNING = "warning"  # nothing that stops a recall, but somebody should know
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(JsonValue):
    """One thing looked at: how it is, what was found, and what to do when that is not ok; `ok` unless it failed."""

    name: str
    ok: bool
    level: Level
    found: str


def ok(name: str, found: str) -> Check:
    """Return a check of something that is well."""
    return Check(name=name, ok=True, level=Level.OK, found=found)


def warning(name: str, found: str) -> Check:
    """Return a check of something that somebody should know."""
    return Check(name=name, ok=True, level=Level.WARNING, found=found)


def failed(name: str, found: str) -> Check:
    """Return a check of something that has to be fixed."""
    return Check(name=name, ok=False, level=Level.FAILED, found=found)


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
