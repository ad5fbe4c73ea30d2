"""Log lines on stderr, for people or for machines; every line of a request carries its id."""

import json
import logging
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ledger.clock import format_time
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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form is LogFormat.JSON else TextFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("ledger").setLevel(level.name)
    # It warns of every tick at which a long recall is still running.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a line says beside its words: what was handed along as `facts`, and whose request it is about."""
    facts = dict(getattr(record, "facts", {}))
    if (current := request_id()) is not None:
        facts.setdefault("request_id", current)
    return {name: value for name, value in facts.items() if value is not None}


class TextFormatter(logging.Formatter):
    """A line for people: time, level, who says it, what, and then the facts as name=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (its name at the base)
        """Return the line; what others named cannot break it in two."""
        facts = "".join(f" {name}={value}" for name, value in facts_of(record).items())
        return "".join(one if one.isprintable() else " " for one in super().formatMessage(record) + facts)


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
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
