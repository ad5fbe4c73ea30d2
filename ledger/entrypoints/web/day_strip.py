"""The next 24 hours as a strip: a bar for each campaign from its first deadline to its last, as SVG draws it.

The nearer, the more room: half of the strip is the next six hours, and the last ten minutes before a loss are seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from ledger.core.campaigns.campaign import CampaignLine
from ledger.core.deadline import WINDOW
from ledger.entrypoints.web.urgency import urgency

WIDTH, HEIGHT, NARROWEST, LOWEST, MOST_BARS = 1000, 100, 5, 6, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignBar:
    """A campaign: where it begins, how wide and how high it is, how urgent."""

    name: str | None
    messages: int
    start: float
    width: float
    height: float
    style: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayStrip:
    """Bars, the highest first, so that none hides another; how many campaigns end within ten minutes, and an hour."""

    bars: list[CampaignBar]
    campaigns: int
    messages: int
    red: int
    amber: int


def day_strip(lines: Iterable[CampaignLine], now: datetime) -> DayStrip | None:
    """Draw a strip; None when nothing can be recalled. Of very many campaigns the most urgent are drawn."""
    coming = [line for line in lines if line.first_deadline is not None and line.first_deadline > now]
    if not coming:
        return None
    styles = [urgency(line.first_deadline, now) for line in coming]
    most = max(line.recallable for line in coming)
    bars = [_bar(line, style, most, now) for line, style in zip(coming[:MOST_BARS], styles, strict=False)]
    return DayStrip(
        bars=sorted(bars, key=lambda bar: -bar.height),
        campaigns=len(coming),
        messages=sum(line.recallable for line in coming),
        red=styles.count("red"),
        amber=styles.count("amber"),
    )


def _bar(line: CampaignLine, style: str, most: int, now: datetime) -> CampaignBar:
    first = line.first_deadline or now
    start, end = _place(first, now), _place(line.last_deadline or first, now)
    width = max(end - start, NARROWEST)
    return CampaignBar(
        name=line.campaign,
        messages=line.recallable,
        start=round(min(start, WIDTH - width), 1),
        width=round(width, 1),
        height=round(max(sqrt(line.recallable / max(most, 1)) * (HEIGHT - 8), LOWEST), 1),
        style=style or "calm",
    )


def _place(moment: datetime, now: datetime) -> float:
    share = max((moment - now) / WINDOW, 0.0)
    return sqrt(min(share, 1.0)) * WIDTH
