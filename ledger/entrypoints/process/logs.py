"""Log lines on stderr, for people or for machines; every line of a request carries its id."""

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ledger.clock import format_time
from ledger.core.json_value import printable_json, printable_lines
from ledger.entrypoints.process.log_writer import LogWriter
from ledger.trace import request_id


class LogFormat(StrEnum):
    """How a line is written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which weight on a line is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def log_to_stderr(form: LogFormat = LogFormat.TEXT, level: LogLevel = LogLevel.INFO) -> None:
    """Say what happens in lines with their time; of what is not ours, only what is amiss."""
    handler = _handler()
    handler.setFormatter(JsonFormatter() if form is LogFormat.JSON else TextFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("ledger").setLevel(level.name)
    # It warns of every tick at which a long recall is still running.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def _handler() -> logging.Handler:
    try:
        return LogWriter(sys.stderr.fileno())
    except OSError:  # a stream of Python alone, which keeps nobody waiting
        return logging.StreamHandler(sys.stderr)


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a line says beside its words: what was handed along as `facts`, and whose request it is about."""
    facts = dict(getattr(record, "facts", {}))
    if (current := request_id()) is not None:
        facts.setdefault("request_id", current)
    return {name: value for name, value in facts.items() if value is not None}


def fault_of(record: logging.LogRecord) -> str | None:
    """Return in one line what was raised and where; with LEDGER_DEBUG, all of it."""
    if not record.exc_info or record.exc_info[1] is None:
        return None
    error = record.exc_info[1]
    if os.environ.get("LEDGER_DEBUG"):
        return "".join(traceback.format_exception(error)).rstrip()
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}{where} (LEDGER_DEBUG=1 shows the traceback)".split())


class TextFormatter(logging.Formatter):
    """A line for people: time, level, who says it, what, and then the facts as name=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with what was raised at its end."""
        record.message = record.getMessage()
        record.asctime = self.formatTime(record)
        line = self.formatMessage(record)
        # What was raised may hold anything, and stand in several lines.
        return line if (fault := fault_of(record)) is None else f"{line}: {printable_lines(fault)}"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (its name at the base)
        """Return the line; what others named cannot break it in two."""
        facts = "".join(f" {name}={value}" for name, value in facts_of(record).items())
        line = super().formatMessage(record) + facts
        return line if line.isprintable() else "".join(one if one.isprintable() else " " for one in line)


class JsonFormatter(logging.Formatter):
    """A line that is one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": format_time(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **facts_of(record),
        }
        if (fault := fault_of(record)) is not None:
            line["exception"] = fault
        return printable_json(json.dumps(line, ensure_ascii=False, default=str))
