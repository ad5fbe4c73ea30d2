"""What a check of the ledger finds: each value that is not what the history says, named so that one can look."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ledger.core.json_value import JsonValue, jsonable

# So many are named to who asks for a check.
MOST_FINDINGS = 100
# So many are listed, for who looks at recalls afterwards; the others are counted.
MOST_LISTED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(JsonValue):
    """One value that is not what the history says, or a row that is gone or came from nowhere.

    `what` is item, skip, call, recall, approval, break_glass, schedule, token, policy, sending_stop, read_count, index,
    reads, entry or start, which is where the history begins once its oldest entries have left; `key` names it: the
    processQueryKey, the number of a call or an entry, the name of a token, policy or campaign. `kind` is changed,
    missing or added; `field` is the changed column, with the value of the chain and the one that people are shown. Of
    what a plan froze, the chain holds digests only.
    """

    kind: str
    what: str
    recall_id: int | None
    key: str | None
    field: str | None = None
    chain: Any = None
    shown: Any = None


@dataclass(slots=True)
class Findings:
    """A bounded list of findings; `found` counts all of them, `rows` their rows, `recalls` are the recalls of these."""

    listed: list[Finding] = field(default_factory=list)
    found: int = 0
    rows: int = 0
    entries: int = 0
    recalls: set[int] = field(default_factory=set)

    def add_changed(
        self, what: str, recall_id: int | None, key: str | None, changes: Iterable[tuple[str, Any, Any]]
    ) -> None:
        """Note the columns of a row that are not what the history says; none is no finding."""
        found = [
            Finding(
                kind="changed",
                what=what,
                recall_id=recall_id,
                key=key,
                field=name,
                chain=jsonable(chain),
                shown=jsonable(shown),
            )
            for name, chain, shown in changes
        ]
        if found:
            self._add(what, recall_id, found)

    def add_row(self, kind: str, what: str, recall_id: int | None, key: str | None) -> None:
        """Note a row that is missing, or that was added."""
        self._add(what, recall_id, [Finding(kind=kind, what=what, recall_id=recall_id, key=key)])

    @property
    def any(self) -> bool:
        """True when there are some."""
        return bool(self.rows or self.entries)

    def _add(self, what: str, recall_id: int | None, found: list[Finding]) -> None:
        if what == "entry":
            self.entries += 1
        else:
            self.rows += 1
            if isinstance(recall_id, int):
                self.recalls.add(recall_id)
        self.found += len(found)
        self.listed += found[: MOST_LISTED - len(self.listed)]
