"""The rate line of a recall: calls per second while it was worked at, with what DingTalk threw back, as SVG draws it.

Time in which nothing left is taken out, and marked: a night of waiting would press the minutes of work into nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger.core.recalls.course import IDLE, CallsOfSecond

WIDTH, HEIGHT, MOST_STEPS = 1000, 100, 250


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLine:
    """A line from left to right; `throttled` and `gaps` are where along it, `planned` how far down the allowed rate is.

    The rates are in calls a second: over the time of work, and of its busiest second.
    """

    path: str
    planned: float
    average: float
    most: int
    throttled_calls: int
    throttled: Sequence[float] = field(default=())
    gaps: Sequence[float] = field(default=())


def rate_line(calls: Sequence[CallsOfSecond], planned_rate: float) -> RateLine | None:
    """Draw a line; None before there are two seconds of calls."""
    places, gaps = _places(calls)
    if not places or places[-1] == 0:
        return None
    length = places[-1] + 1
    step = -(-length // MOST_STEPS)
    rates = [0.0] * (-(-length // step))
    for place, one in zip(places, calls, strict=True):
        rates[place // step] += one.calls / min(step, length - place // step * step)
    highest = max(*rates, planned_rate) * 1.1
    wide = WIDTH / len(rates)
    heights = [round(HEIGHT - HEIGHT * rate / highest, 1) for rate in rates]
    steps = "".join(f"V{height}H{round((at + 1) * wide, 1)}" for at, height in enumerate(heights))
    thrown = [place for place, one in zip(places, calls, strict=True) if one.throttled]
    return RateLine(
        path=f"M0 {HEIGHT}{steps}V{HEIGHT}Z",
        planned=round(HEIGHT - HEIGHT * planned_rate / highest, 1),
        average=sum(one.calls for one in calls) / length,
        most=max(one.calls for one in calls),
        throttled_calls=sum(one.throttled for one in calls),
        throttled=sorted({round(place // step * wide + wide / 2, 1) for place in thrown}),
        gaps=[round(place / length * WIDTH, 1) for place in gaps],
    )


def _places(calls: Sequence[CallsOfSecond]) -> tuple[list[int], list[int]]:
    """Return in which second of work each of some seconds lies, and before which of these there was none."""
    places: list[int] = []
    gaps: list[int] = []
    for at, one in enumerate(calls):
        if at == 0:
            places.append(0)
            continue
        passed = one.second.replace(microsecond=0) - calls[at - 1].second.replace(microsecond=0)
        if passed > IDLE:
            gaps.append(places[-1] + 1)
        places.append(places[-1] + (1 if passed > IDLE else max(int(passed.total_seconds()), 1)))
    return places, gaps
