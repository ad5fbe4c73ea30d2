"""What else there is to know of a recall in a list: what holds it up, who stopped it, why messages were kept."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ledger.core.recalls.recall import Outcome, Status
from ledger.entrypoints.cli.screen.results import overtaken_in_words
from ledger.entrypoints.cli.screen.words import exact_moment, plain

if TYPE_CHECKING:
    from ledger.core.recalls.recall import Result
    from ledger.parts import Parts
    from ledger.store.audit.history import Entry
    from ledger.store.recalls.items import Reason

# Of so many, the newest; each takes a look of its own.
NOTED_RECALLS = 50
SHOWN_REASONS = 2
_DID = {"retried": "retried it", "cancel": "cancelled it"}


def notes_of(parts: "Parts", results: "Sequence[Result]") -> dict[int, list[str]]:
    """Return by number what there is to say of the first recalls of a list."""
    some = results[:NOTED_RECALLS]
    changed = parts.recall_reports.changed_by([result.recall_id for result in some])
    return {one.recall_id: list(_notes(parts, one, changed)) for one in some}


def _notes(parts: "Parts", result: "Result", changed: "Mapping[int, Entry]") -> Iterator[str]:
    if result.status is Status.PAUSED and result.error is not None:
        by = f" ({plain(result.error['by'])})" if "by" in result.error else ""
        yield f"{plain(result.error['message'])}{by}"
    if result.overtaken_by is not None:
        yield overtaken_in_words(result)
    approval = result.approval
    if approval is not None and approval.refused_by is not None:
        yield f"{plain(approval.refused_by)} did not agree: {plain(approval.refusal)}"
    elif (last := changed.get(result.recall_id)) is not None:
        yield f"{plain(last.actor)} {_DID[last.event]} {exact_moment(last.at)}"
    if result.refused + result.partial + result.unknown:
        reasons = parts.recall_reports.reasons(result.recall_id, limit=SHOWN_REASONS + 1)
        told = [one for one in reasons if one.outcome not in (Outcome.CANCELLED, Outcome.EXPIRED)]
        yield from map(_reason, told[:SHOWN_REASONS])


def _reason(one: "Reason") -> str:
    why = ": ".join(dict.fromkeys(part for part in (one.code, one.reason) if part))
    return f"{one.count:,} {one.outcome.value}: {plain(why)}"
