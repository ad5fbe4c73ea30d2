"""Logs as files of messages: keys that nothing else holds, from the lines that say NOT RECORDED.

They stand in logs of text and of JSON, in what `ledger run` writes to stderr, and behind whatever a collector of logs
puts before each line.
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from ledger.core.recording.capture import outcomes_of
from ledger.core.recording.message import Message
from ledger.core.recording.row import row_of
from ledger.entrypoints.formats.lines import Rows, physical_lines
from ledger.errors import InvalidMessageError
from ledger.services.recording.rows import Line
from ledger.spool.frames import Record
from ledger.spool.lines import JournalEntry, LineReplay

MARK = "NOT RECORDED"
_NO_KEY = "a send without a key, which cannot be recorded from a log"


def read_log(file: BinaryIO) -> Rows:
    """Read the rows that a log holds, each with the number of its line (from 1), or why it makes none."""
    return Rows(header=b"", lines=_rows_of(file))


def _rows_of(file: BinaryIO) -> Iterator[Line]:
    for number, raw in physical_lines(file):
        text = (raw or b"").decode("utf-8", "replace")
        if MARK not in text:
            continue
        for fields in _fields_of(_message_of(text)):
            shown = None if isinstance(fields, str) else json.dumps(fields, default=str).encode()
            yield Line(number=number, fields=fields, raw=shown)


def _message_of(line: str) -> str:
    """Return what a line says from the mark on; in a line that is JSON, it is the value of some field."""
    start = line.find("{")
    if 0 <= start < line.find(MARK):
        try:
            whole, _ = json.JSONDecoder().raw_decode(line, start)
        except ValueError:
            whole = None
        for value in whole.values() if isinstance(whole, dict) else ():
            if isinstance(value, str) and MARK in value:
                line = value
    return line[line.find(MARK) :]


def _fields_of(message: str) -> list[dict[str, Any] | str]:
    """Return the rows that a message of the log holds, or why it holds none."""
    position = message.find("{")
    while position >= 0:
        try:
            found, _ = json.JSONDecoder().raw_decode(message, position)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            entries = LineReplay().add(Record(json.dumps(found).encode()))
            rows = [row for entry in entries for row in _rows_of_entry(entry)]
            if rows:
                return rows
        position = message.find("{", position + 1)
    return [f"the line says {MARK} and holds no row: it may be cut off"]


def _rows_of_entry(entry: JournalEntry) -> list[dict[str, Any] | str]:
    if entry.row is not None:
        return [dict(entry.row)]
    if entry.exchange is None:
        return []
    try:
        found = outcomes_of(entry.exchange)
    except InvalidMessageError as error:
        return [str(error)]
    return [row_of(one) if isinstance(one, Message) else _NO_KEY for one in found]
