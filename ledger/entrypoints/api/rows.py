"""The rows of one request: read as they are recorded, and no further than it makes sense."""

from collections.abc import Iterator
from io import BytesIO
from itertools import islice

from starlette.exceptions import HTTPException

from ledger.entrypoints.formats.json_rows import NotJsonError, read_json
from ledger.entrypoints.formats.lines import Format, read_lines
from ledger.services.recording.rows import Line

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
ROWS_MAX = 50_000
# Blank ones too, which are no rows.
LINES_MAX = 500_000
REJECTED_ROWS_MAX = 1000
# What is shorter is read once and kept: reading takes longer than it saves memory.
KEPT_MAX_BYTES = 1_000_000


class GivenRows:
    """Rows that `check` reads first, to find what is wrong with all of them, and that are then read to be recorded."""

    def __init__(self, body: bytes, kind: str) -> None:
        self._body, self._kind = body, kind
        self._kept: list[Line] | None = None
        self._rejected = 0
        self.client_is_gone = False
        self.why_stopped: str | None = None

    def check(self) -> None:
        """Raise HTTPException when this is no JSON, or too much, before anything of it is recorded."""
        if self._kind != JSON and self._body.count(b"\n") > LINES_MAX:
            raise HTTPException(413, f"a request may have {LINES_MAX:,} lines: send them in several requests")
        try:
            rows = islice(self._read(), ROWS_MAX + 1)
            if len(self._body) <= KEPT_MAX_BYTES:
                self._kept = list(rows)
            count = sum(1 for _ in rows) if self._kept is None else len(self._kept)
        except NotJsonError as error:
            raise HTTPException(400, f"this is not JSON: {error}") from None
        if count > ROWS_MAX:
            raise HTTPException(413, f"a request may have {ROWS_MAX:,} rows: send them in several requests")

    def note_rejected(self, _line: Line, _reason: str) -> None:
        """Count a row that was not recorded."""
        self._rejected += 1

    def __iter__(self) -> Iterator[Line]:
        for line in self._read():
            if self.client_is_gone:
                self.why_stopped = "the client went away"
                return
            if self._rejected >= REJECTED_ROWS_MAX:
                self.why_stopped = (
                    f"{REJECTED_ROWS_MAX:,} rows were rejected, and those from number {line.number:,} on not read: "
                    "`rejected` says why; fix that and send all of them again, for recording twice changes nothing"
                )
                return
            yield line

    def _read(self) -> Iterator[Line]:
        if self._kept is not None:
            return iter(self._kept)
        if self._kind == JSON:
            return read_json(self._body)
        return iter(read_lines(BytesIO(self._body), Format.CSV if self._kind == CSV else Format.JSONL))
