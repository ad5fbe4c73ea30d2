"""The folder of evidence that an auditor takes along: what is in it, and how it is signed."""

import base64
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.core.audit.checkpoint import canonical
from ledger.entrypoints.formats.csv_form import CsvForm
from ledger.entrypoints.formats.evidence.page import LANGUAGES, MOST_REASONS, page_of
from ledger.entrypoints.formats.evidence.place import EvidencePlace
from ledger.entrypoints.formats.evidence.workbook import write_workbook
from ledger.entrypoints.formats.history_csv import COLUMNS, item_cells, written_as_csv
from ledger.entrypoints.formats.recalls_csv import COLUMNS as RECALL_COLUMNS
from ledger.entrypoints.formats.recalls_csv import recall_cells, recalls_as_csv
from ledger.errors import UnwritableFileError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from ledger.core.recalls.recall import Item
    from ledger.services.audit.evidence import HandedOut
    from ledger.services.reports.recalls import RecallReport, RecallReports

BATCH_ROWS = 200
MANIFEST = "manifest.json"


class EvidenceFolder:
    """A new folder, and what goes into it."""

    def __init__(self, path: Path, reports: "RecallReports", recalls: Sequence[int]) -> None:
        self._place, self._reports, self._recalls = EvidencePlace(path, MANIFEST), reports, recalls
        self._path = path
        self._digests: dict[str, str] = {}

    def begin(self) -> None:
        """Make the folder; raise RefusedFileError when it cannot be, or has something in it."""
        self._place.check()

    def write(self, handed: "HandedOut", actor: str, key: "Ed25519PrivateKey | None") -> list[str]:
        """Write everything, which is there at once, and return the names of the files."""
        with self._place.writing() as self._path:
            return self._write(handed, actor, key)

    def _write(self, handed: "HandedOut", actor: str, key: "Ed25519PrivateKey | None") -> list[str]:
        count = self._entries(handed)
        self._text("checkpoint.json", handed.checkpoint.to_line() + "\n")
        self._text("verify.py", files(__package__).joinpath("verify.py").read_text("utf-8"))
        self._lines("messages.jsonl", (item.to_json() for item in self._items()))
        form = CsvForm(for_spreadsheets=True)
        self._texts("messages.csv", written_as_csv((), _batches(self._items()), form))
        found = [self._reports.summary(recall) for recall in self._recalls]
        self._texts("recalls.csv", recalls_as_csv([[report.result for report in found]], form))
        self._workbook(found)
        for report in found:
            self._pages(report, handed, count[report.result.recall_id], actor)
        if key is not None:
            from ledger.core.audit.signing import public_pem

            self._text("public-key.pem", public_pem(key.public_key()).decode())
        names = list(self._digests)
        more: dict[str, Any] = {} if handed.left is None else {"left": handed.left.to_json()}
        self._sign(key, more | ({"disputed": handed.disputed} if handed.disputed else {}))
        return [*names, MANIFEST]

    def _entries(self, handed: "HandedOut") -> Counter[int | None]:
        count = Counter[int | None]()

        def counted() -> Iterator[Any]:
            for entry in handed.entries():
                count[entry.stored.entry.recall_id] += 1
                yield entry.to_json()

        self._lines("entries.jsonl", counted())
        return count

    def _items(self) -> "Iterator[Item]":
        return chain.from_iterable(self._reports.items_of(recall) for recall in self._recalls)

    def _pages(self, report: "RecallReport", handed: "HandedOut", entries: int, actor: str) -> None:
        recall = report.result.recall_id
        reasons = self._reports.reasons(recall, limit=MOST_REASONS)
        report = replace(report, people=self._reports.people(recall))
        for language in LANGUAGES:
            page = page_of(
                language,
                report,
                reasons,
                handed.checkpoint,
                entries=entries,
                actor=actor,
                left=handed.left,
            )
            self._text(f"recall-{recall}.{language}.html", page)

    def _workbook(self, found: "Sequence[RecallReport]") -> None:
        recalls = (recall_cells(report.result) for report in found)
        messages = (item_cells(item) for item in self._items())
        sheets = (("Recalls", RECALL_COLUMNS, recalls), ("Messages", COLUMNS, messages))
        self._written("evidence.xlsx", lambda path: write_workbook(path, sheets))

    def _sign(self, key: "Ed25519PrivateKey | None", more: dict[str, Any]) -> None:
        from ledger.core.audit.signing import key_id

        manifest: dict[str, Any] = {"files": self._digests, **more}
        if key is not None:
            manifest["key"] = key_id(key.public_key())
            manifest["signature"] = base64.b64encode(key.sign(canonical(manifest))).decode()
        self._text(MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")

    def _lines(self, name: str, values: Iterable[Any]) -> None:
        self._texts(name, (f"{_line(value)}\n" for value in values))

    def _text(self, name: str, text: str) -> None:
        self._texts(name, [text])

    def _texts(self, name: str, texts: Iterable[str]) -> None:
        def write(path: Path) -> None:
            with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                file.writelines(texts)

        self._written(name, write)

    def _written(self, name: str, write: Callable[[Path], None]) -> None:
        path = self._path / name
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            write(path)
            with path.open("rb") as file:
                self._digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UnwritableFileError(f"{path} cannot be written ({error.strerror}): name another folder") from None


def _line(value: object) -> str:
    """Write a line of JSON; half a letter, which UTF-8 cannot hold, becomes an escape that means the same."""
    text = json.dumps(value, ensure_ascii=False)
    return text if not any("\ud800" <= one <= "\udfff" for one in text) else json.dumps(value)


def _batches(items: "Iterator[Item]") -> "Iterator[list[Item]]":
    while some := list(islice(items, BATCH_ROWS)):
        yield some
