"""A gauge: how much of something is used, how much will be, and what is to be kept, as SVG draws it."""

from dataclasses import dataclass

WIDTH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Widths and places from left to right; `forecast` and `reserve` are None where there is none to draw."""

    used: float
    forecast: float | None
    reserve: float | None
    level: str


def gauge(used: float, limit: float, *, forecast: float | None = None, reserve: float = 0, level: str = "ok") -> Gauge:
    """Draw a gauge; what is beyond its end stands at its end."""
    whole = max(limit, 1e-9)
    return Gauge(
        used=round(WIDTH * min(used / whole, 1), 1),
        forecast=round(WIDTH * min(forecast / whole, 1), 1) if forecast is not None else None,
        reserve=round(WIDTH * max(1 - reserve / whole, 0), 1) if reserve else None,
        level=level,
    )
