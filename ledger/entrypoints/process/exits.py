"""Exits: the one place that turns errors and results into exit codes."""

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

from ledger.errors import AccessError, InputError, NotConfirmedError, NothingEligibleError, PausedError

if TYPE_CHECKING:
    from ledger.core.corrections.correction import CorrectionResult
    from ledger.core.recalls.recall import Result


class Code(IntEnum):
    """What scripts read from a finished command."""

    DONE = 0
    UNEXPECTED = 1
    WRONG_USAGE = 2
    INCOMPLETE = 3
    NOTHING_ELIGIBLE = 4
    PAUSED = 5
    NOT_CONFIRMED = 10
    INTERRUPTED = 130


_CODES: tuple[tuple[type[Exception], Code], ...] = (
    (InputError, Code.WRONG_USAGE),
    (AccessError, Code.WRONG_USAGE),
    (NothingEligibleError, Code.NOTHING_ELIGIBLE),
    (NotConfirmedError, Code.NOT_CONFIRMED),
    (PausedError, Code.PAUSED),
)


def code_of_error(error: BaseException) -> Code:
    """Return the exit code of an error; what has none of its own is unexpected."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), Code.UNEXPECTED)


def code_of_result(result: "Result") -> Code:
    """Return the exit code of a recall as it stands."""
    from ledger.core.recalls.recall import Status

    if result.is_complete or result.is_scheduled:
        return Code.DONE
    return Code.PAUSED if result.status is Status.PAUSED else Code.INCOMPLETE


def code_of_correction(result: "CorrectionResult") -> Code:
    """Return the exit code of a correction as it stands."""
    from ledger.core.recalls.recall import Status

    if result.is_complete:
        return Code.DONE
    return Code.PAUSED if result.status is Status.PAUSED else Code.INCOMPLETE


def code_of_results(results: "Iterable[Result]") -> Code:
    """Return the exit code of several recalls: that of the one that went worst."""
    return max((code_of_result(result) for result in results), default=Code.DONE)
