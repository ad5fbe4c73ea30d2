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
REJECTED_ROWS_MAX = 1000


class GivenRows:
    """Rows to be read twice: once by `check`, which finds what is wrong with all of them, then to be recorded."""

    def __init__(self, body: bytes, kind: str) -> None:
        self._body, self._kind = body, kind
        self._rejected = 0
        self.client_is_gone = False
        self.why_stopped: str | None = None

    def check(self) -> None:
        """Raise HTTPException when this is no JSON, or too much, before anything of it is recorded."""
        try:
            count = sum(1 for _ in islice(self._read(), ROWS_MAX + 1))
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
        if self._kind == JSON:
            return read_json(self._body)
        return iter(read_lines(BytesIO(self._body), Format.CSV if self._kind == CSV else Format.JSONL))
