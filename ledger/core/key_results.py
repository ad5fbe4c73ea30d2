"""What an answer says of each key: `successResult` and `failedResult`, whatever their shapes.

Nothing is recalled that the answer does not name so; and a failure in a shape that no page shows hides no success.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger.core.limits import storable
from ledger.core.recalls.recall import Outcome

KEY_OUTCOMES = {
    "notRevoke.all.messages": Outcome.PARTIAL,
    "robot.processQueryKey.expired": Outcome.EXPIRED,
}
# Our own words of an answer that names a key on both sides, or on neither.
NAMED_TWICE = "the answer has the key both in successResult and failedResult"
NAMED_NOWHERE = "the answer has the key in neither successResult nor failedResult"
_NO_REASON = "named in failedResult without a reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReading:
    """What the answer says of one key: an outcome with the API's own code and reason."""

    outcome: Outcome
    code: str | None = None
    reason: str | None = None


def read_keys(keys: Sequence[str], succeeded: object, failed: object) -> dict[str, KeyReading]:
    """Return what each key became; one that is named on both sides, or on neither, is unknown."""
    return {key: _read_key(is_done=_names(succeeded, key), failure=_failure_of(failed, key)) for key in keys}


def _read_key(*, is_done: bool, failure: str | None) -> KeyReading:
    if is_done == (failure is not None):
        reason = NAMED_TWICE if is_done else NAMED_NOWHERE
        return KeyReading(outcome=Outcome.UNKNOWN, code="not_stated", reason=reason)
    if failure is None:
        return KeyReading(outcome=Outcome.RECALLED)
    return KeyReading(outcome=_outcome_of(failure), code="failedResult", reason=failure)


def _outcome_of(failure: str) -> Outcome:
    """Return what a failure means; in an object, the reason is one text of several."""
    inside = (outcome for reason, outcome in KEY_OUTCOMES.items() if f'"{reason}"' in failure)
    return KEY_OUTCOMES.get(failure) or next(inside, Outcome.REFUSED)


def _names(succeeded: object, key: str) -> bool:
    return succeeded == key or (isinstance(succeeded, (list, tuple)) and key in succeeded)


def _failure_of(failed: object, key: str) -> str | None:
    """Return why a key failed, verbatim; None when nothing is said of it.

    A map from key to reason is what the pages show. A list of keys, a list of objects that name one, and one key by
    itself are understood as well.
    """
    if isinstance(failed, Mapping):
        return storable(failed[key]) if key in failed else _failure_among(failed.values(), key)
    return _failure_among(failed if isinstance(failed, (list, tuple)) else (failed,), key)


def _failure_among(parts: Iterable[object], key: str) -> str | None:
    for part in parts:
        if part == key:
            return _NO_REASON
        if isinstance(part, Mapping) and (key in part or key in list(part.values())):
            return storable(part)
    return None
