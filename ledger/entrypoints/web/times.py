"""Times in the viewer's zone: the browser tells it in a cookie; before that, times are in UTC, and say so."""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from markupsafe import Markup

from ledger.clock import as_utc, format_time, parse_time
from ledger.core.period import Period
from ledger.entrypoints.web.words import Words
from ledger.errors import InputError, UnreadableTimeError


class Times:
    """Writes and reads times for one viewer; `now` is the moment at which the page is made."""

    def __init__(self, zone_name: str | None, words: Words, now: datetime) -> None:
        self._words, self.now = words, now
        self._zone = _zone_of(zone_name)
        self.zone_name = zone_name if self._zone is not UTC and zone_name else "UTC"

    @property
    def zone(self) -> str:
        """The viewer's offset and the name of the zone, as in `UTC+8 Asia/Shanghai`."""
        offset = self._offset(self.now)
        return offset if self.zone_name == "UTC" else f"{offset} {self.zone_name}"

    def when(self, at: datetime | None) -> Markup:
        """Write a moment, as in `2026-03-01 10:00:05`; the page says once in which zone."""
        return self._written(at, "moment", "")

    def when_exactly(self, at: datetime | None) -> Markup:
        """Write a moment with its zone beside it."""
        return self._written(at, "exact", f" {self._offset(at)}" if at else "")

    def left(self, deadline: datetime | None) -> Markup:
        """Write how long it is until a moment; the page counts it down."""
        if deadline is None:
            return Markup("–")
        seconds = (deadline - self.now).total_seconds()
        message = self._words.countdown(seconds) if seconds > 0 else self._words("span.over")
        return Markup('<time datetime="{}" data-time="left">{}</time>').format(format_time(deadline), message)

    def read(self, text: str) -> datetime | None:
        """Read what a form gives, which has no zone and means the viewer's; None from nothing."""
        if not text.strip():
            return None
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise UnreadableTimeError(text) from None
        return as_utc(moment if moment.tzinfo else moment.replace(tzinfo=self._zone))

    def field(self, at: datetime | None) -> str:
        """Write a moment as a form's field has it."""
        return at.astimezone(self._zone).strftime("%Y-%m-%dT%H:%M:%S") if at else ""

    def _written(self, at: datetime | None, kind: str, zone: str) -> Markup:
        if at is None:
            return Markup("–")
        local = at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")
        return Markup('<time datetime="{}" data-time="{}">{}{}</time>').format(format_time(at), kind, local, zone)

    def _offset(self, at: datetime) -> str:
        offset = at.astimezone(self._zone).utcoffset()
        minutes = int(offset.total_seconds() // 60) if offset else 0
        hours, rest = divmod(abs(minutes), 60)
        return "UTC" if not minutes else f"UTC{'+' if minutes > 0 else '-'}{hours}{f':{rest:02}' if rest else ''}"


def in_api(recalled: Period) -> dict[str, str | None]:
    """Write the time of recalls as the API takes it: with a zone."""
    ends = {"recalled_since": recalled.since, "recalled_until": recalled.until}
    return {name: format_time(at) if at else None for name, at in ends.items()}


def parsed(value: object) -> datetime | None:
    """Read a time of ours from JSON; None stays None."""
    return parse_time(value) if isinstance(value, str) else None


@lru_cache(maxsize=64)
def _zone_of(name: str | None) -> tzinfo:
    """Return a zone by its name; UTC for one that this machine does not know."""
    try:
        return ZoneInfo(name) if name and len(name) <= 64 else UTC
    except (ValueError, OSError, LookupError, InputError):
        return UTC
