"""Times of files: without a zone in one that somebody names, as offices write them, or as numbers of seconds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ledger.clock import format_time
from ledger.errors import InputError
from ledger.services.recording.rows import Line

# 2026/3/1 10:00, 2026-3-1 10:00:05, 2026.3.1, 2026年3月1日 10:00, 2026年3月1日10时0分
_OFFICE = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[ T]*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:\.(\d{1,6}))?秒?)?分?)?"
)
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}")
_MILLISECONDS_FROM = 10**11
_ZONED = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTimes:
    """How the times of a file are read: the zone of those without one, and whether numbers are seconds since 1970."""

    zone: ZoneInfo | None = None
    is_epoch: bool = False

    def applied(self, lines: Iterator[Line]) -> Iterator[Line]:
        """Yield lines with their times as RFC 3339, or with what is wrong with them."""
        for line in lines:
            yield line if isinstance(line.fields, str) or "sentAt" not in line.fields else self._read(line)

    def _read(self, line: Line) -> Line:
        assert not isinstance(line.fields, str)  # noqa: S101  (for the type checker)
        value = line.fields["sentAt"]
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or value == "":
            return line
        try:
            moment = self._moment(str(value).strip())
        except InputError as error:
            return replace(line, fields=str(error))
        return line if moment is None else replace(line, fields={**line.fields, "sentAt": format_time(moment)})

    def _moment(self, text: str) -> datetime | None:
        """Return a time; None leaves it to who reads the row."""
        if _EPOCH.fullmatch(text):
            if not self.is_epoch:
                raise InputError(
                    f"sentAt: {text} is a number: if it counts seconds or milliseconds, say so with --epoch"
                )
            number = float(text)
            seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        found = _OFFICE.fullmatch(text)
        if found is None or _ZONED.search(text):
            return None
        if self.zone is None:
            raise InputError(f"sentAt: {text!r} has no zone: say which is meant, as in --zone Asia/Shanghai")
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        microsecond = int((found[7] or "").ljust(6, "0"))
        try:
            return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=self.zone).astimezone(UTC)
        except (ValueError, OverflowError):
            raise InputError(f"sentAt: {text!r} is no time that there is") from None


def zone_of(name: str) -> ZoneInfo:
    """Return a zone by its name; raise InputError for one that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise InputError(f"--zone: there is no zone {name!r}: write it as in Asia/Shanghai or Europe/Berlin") from None
