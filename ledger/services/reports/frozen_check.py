"""Whether the rows of a plan are those that it froze; where they are not, which row and which column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.core.audit.findings import Findings
from ledger.core.recalls.frozen import FrozenDigest, is_marked

MOST_SUSPECTS = 20


class FrozenChecks:
    """Takes the rows of one recall in their order, and holds each against the part that it was frozen with."""

    def __init__(self, what: str, recall_id: int, columns: Sequence[str], facts: Sequence[Mapping[str, Any]]) -> None:
        self._parts = [FrozenCheck(what=what, recall_id=recall_id, columns=columns, fact=fact) for fact in facts]
        self._lasts = [fact["ids"][1] for fact in facts[:-1]]
        self._place = 0
        self._what, self._recall_id, self._added = what, recall_id, list[str]()

    def add(self, key: str, cells: Sequence[Any], shown: Sequence[Any]) -> None:
        """Take the next row, which begins with its number; one that is of no part is one too many of the last.

        `cells` are what the history covers of what is `shown`.
        """
        while self._place < len(self._lasts) and cells[0] > self._lasts[self._place]:
            self._place += 1
        if self._parts:
            self._parts[self._place].add(key, cells, shown)
        elif len(self._added) < MOST_SUSPECTS:
            self._added.append(key)

    def note(self, findings: Findings) -> None:
        """Note what was found."""
        for part in self._parts:
            part.note(findings)
        for key in self._added:
            findings.add_row("added", self._what, self._recall_id, key)


@dataclass(slots=True, kw_only=True)
class FrozenCheck:
    """Takes the rows of one plan in their order, and says at the end what is wrong with them."""

    what: str
    recall_id: int
    columns: Sequence[str]
    fact: Mapping[str, Any]
    _digest: FrozenDigest = field(init=False)
    _first_key: str = ""
    _suspects: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._digest = FrozenDigest(columns=self.columns, expected_rows=self.fact.get("of", self.fact["count"]))

    def add(self, key: str, cells: Sequence[Any], shown: Sequence[Any]) -> None:
        """Take the next row: what the history covers, and what is shown."""
        if self._digest.count % self._digest.rows_per_mark == 0:
            self._first_key = key
        self._digest.add(cells)
        is_last = self._digest.count == self.fact["count"]
        ends_group = is_last or self._digest.count % self._digest.rows_per_mark == 0
        if ends_group and len(self._suspects) < MOST_SUSPECTS and not is_marked(self._digest, self.fact):
            name = key if key == self._first_key else f"{self._first_key} to {key}"
            self._suspects.append((name, dict(zip(self.columns, shown, strict=True))))

    def note(self, findings: Findings) -> None:
        """Note what was found."""
        if self._digest.is_like(self.fact):
            return
        if self._digest.count != self.fact["count"]:
            key = self._suspects[0][0] if self._suspects else None
            kind = [("count", self.fact["count"], self._digest.count)]
            findings.add_changed(f"{self.what}s", self.recall_id, key, kind)
            return
        columns = self._digest.changed_columns(self.fact)
        for key, cells in self._suspects or [("", {})]:
            marks = [(name, f"digest {self.fact['columns'].get(name)}", cells.get(name)) for name in columns]
            findings.add_changed(self.what, self.recall_id, key, marks or [("digest", self.fact["digest"], None)])
