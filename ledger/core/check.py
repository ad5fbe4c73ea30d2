"""What a check-up finds: one thing after the other, each well, worth a remark, or amiss."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from ledger.core.shown import Shown


class Level(StrEnum):
    """How well something is."""

    OK = "ok"
    REMARK = "remark"  # nothing that stops a recall, but somebody should know
    AMISS = "amiss"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Shown):
    """One thing looked at: how it is, what was found, and what to do when that is not well; `ok` unless amiss."""

    name: str
    ok: bool
    level: Level
    found: str


def fine(name: str, found: str) -> Check:
    """Return a check of something that is well."""
    return Check(name=name, ok=True, level=Level.OK, found=found)


def remark(name: str, found: str) -> Check:
    """Return a check of something that somebody should know."""
    return Check(name=name, ok=True, level=Level.REMARK, found=found)


def amiss(name: str, found: str) -> Check:
    """Return a check of something that has to be mended."""
    return Check(name=name, ok=False, level=Level.AMISS, found=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckUp(Shown):
    """All checks; `ok` when none found anything amiss."""

    ok: bool
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, checks: Iterable[Check]) -> Self:
        """Take checks together."""
        found = tuple(checks)
        return cls(ok=all(check.ok for check in found), checks=found)
