"""From what an answer says to what becomes of each item: ended, asked again, and when; with the cuts after a split."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.core.key_results import KeyReading
from ledger.core.recalls.recall import Outcome

MAX_ASKS_OF_A_FAILING_KEY = 4
FRESH_SECONDS = 60.0
BACKOFF_FIRST_SECONDS = 1.0
BACKOFF_LONGEST_SECONDS = 60.0
_PASSING_REASONS = {"SYSTEM_ERROR", "system.error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedItem:
    """One item of a call that was made: how often it has been asked, this time included, and what is in doubt.

    `in_doubt` says that an earlier ask may have worked although its answer never came; `asked_with` is the call of it,
    which other items may have left in as well.
    """

    item_id: int
    process_query_key: str
    sent_at: datetime
    deadline: datetime
    attempts: int
    in_doubt: bool
    asked_with: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What becomes of one item: an outcome, or another ask not before a moment."""

    item_id: int
    outcome: Outcome | None
    code: str | None = None
    reason: str | None = None
    not_before: datetime | None = None


def backoff(attempts: int, jitter: float) -> timedelta:
    """Return how long to wait after the n-th failed ask: doubling, capped, spread by `jitter` between 0 and 1."""
    whole = min(BACKOFF_FIRST_SECONDS * 2 ** min(attempts - 1, 16), BACKOFF_LONGEST_SECONDS)
    return timedelta(seconds=whole * (0.5 + jitter / 2))


def settle(item: AskedItem, reading: KeyReading, *, now: datetime, jitter: float) -> Settlement:
    """Decide one item from what the API said of its key.

    A key can fail for a moment right after its send, or with SYSTEM_ERROR: it is asked again, a bounded number of
    times. A "no" to a key whose earlier ask may have worked proves nothing, and neither does a "not all": what was
    recalled already may be answered so. Both are `unknown`.
    """
    outcome = reading.outcome
    if outcome is Outcome.REFUSED and _may_pass(item, reading, now):
        return Settlement(item_id=item.item_id, outcome=None, not_before=now + backoff(item.attempts, jitter))
    if item.in_doubt and outcome in (Outcome.REFUSED, Outcome.EXPIRED, Outcome.PARTIAL):
        outcome = Outcome.UNKNOWN
    return Settlement(item_id=item.item_id, outcome=outcome, code=reading.code, reason=reading.reason)


def _may_pass(item: AskedItem, reading: KeyReading, now: datetime) -> bool:
    if item.attempts >= MAX_ASKS_OF_A_FAILING_KEY:
        return False
    fresh = now - item.sent_at < timedelta(seconds=FRESH_SECONDS)
    return fresh or reading.reason in _PASSING_REASONS or reading.code in _PASSING_REASONS


def split(items: Sequence[AskedItem], suspects: Sequence[str]) -> list[Sequence[AskedItem]]:
    """Cut a spoilt call: the keys that the error names by themselves, otherwise two halves."""
    named = [item for item in items if item.process_query_key in suspects]
    if named and len(named) < len(items):
        return [named, [item for item in items if item.process_query_key not in suspects]]
    middle = (len(items) + 1) // 2
    return [items[:middle], items[middle:]]
