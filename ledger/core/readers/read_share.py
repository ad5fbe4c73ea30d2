"""How large a share of people has read messages, when only some of the messages were asked about: a range, 95 %.

The messages are drawn by lot, and everybody whom one reached is asked about with it, so people come in clusters: those
of one message stand in one conversation, or on one shift, and read alike. What counts is therefore the spread between
messages. The share is a ratio of sums (readers over people, since messages reached different numbers of them); from
its variance between messages follows how many people drawn one by one would say as much, and of that effective size the
range is the exact one of Clopper and Pearson. That is the interval of Korn and Graubard (1998), which official surveys
publish proportions with, because it stays honest near 0 and 1, where the usual plus-minus fails.

Each choice is to the wide side. With few messages, or where all read alike, no spread can be estimated: then the people
of one message count as one. Where it can, it is that of one message more, all of whose people did what is rarer: a kind
of message that the lot has missed. Most messages asked narrow the range less than the textbook's (1 - f), which is too
short for what hardly anybody, or nearly everybody, did. A message that was asked and gave no answer counts
as read by nobody below and by everybody above. And the range never leaves what is certain: who was seen to have read it
has, who was seen not to have has not. So it is exact once all were asked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p
from statistics import NormalDist

CONFIDENCE = 0.95
# With fewer messages, the spread between them says little of itself.
FEWEST_FOR_SPREAD = 10
_TAIL = (1 - CONFIDENCE) / 2
_Z = NormalDist().inv_cdf(1 - _TAIL)


@dataclass(frozen=True, slots=True)
class AskedMessage:
    """A message that was drawn: how many people it reached, and how many had read it; None when nobody could say."""

    people: int
    read: int | None


def share_of(asked: Sequence[AskedMessage], *, messages: int, people: int | None) -> tuple[float, float] | None:
    """Return the range of the share, 0 to 1, of so many people in so many messages; None while nothing is known.

    `asked` is drawn by lot from these messages, or all of them. How many people there are may be unknown (None).
    """
    if people == 0 or all(one.read is None for one in asked):
        return None
    read = sum(one.read or 0 for one in asked)
    unread = sum(one.people - one.read for one in asked if one.read is not None)
    certain = (0.0, 1.0) if people is None else (read / people, 1 - unread / people)
    if len(asked) >= messages:
        return certain
    lowest = _interval([(one.people, one.read or 0) for one in asked], messages)
    highest = _interval([(one.people, one.people if one.read is None else one.read) for one in asked], messages)
    return max(lowest[0], certain[0]), min(highest[1], certain[1])


def _interval(clusters: Sequence[tuple[int, int]], messages: int) -> tuple[float, float]:
    people, read = sum(size for size, _ in clusters), sum(count for _, count in clusters)
    if people == 0:
        return 0.0, 1.0
    share = read / people
    size = _effective_size(clusters, share, people) * _gain(len(clusters) / messages)
    return _exact(share * size, size)


def _effective_size(clusters: Sequence[tuple[int, int]], share: float, people: int) -> float:
    """Return how many people that were drawn one by one would say as much."""
    squares = sum(size**2 for size, _ in clusters)
    # When all people of a message are as one: fewer than the messages, where a few hold most of the people.
    least = people**2 / squares
    spread = sum((count - share * size) ** 2 for size, count in clusters)
    if least < FEWEST_FOR_SPREAD or spread == 0:
        return least
    # The lot may have missed the kind of message whose people did what is rare: one of the usual size is added.
    spread += max(share, 1 - share) ** 2 * squares / len(clusters)
    variance = least / (least - 1) * spread / people**2
    as_normal = (_Z / _t(least - 1)) ** 2
    return min(max(share * (1 - share) / variance, least), people) * as_normal


def _gain(drawn_share: float) -> float:
    """Return by how much more messages say that are a good part of all: 1 for few, more and more for most."""
    return -log1p(-drawn_share) / drawn_share


def _t(freedom: float) -> float:
    """Return Student's quantile for so many degrees of freedom (Abramowitz and Stegun 26.7.5)."""
    z, n = _Z, freedom
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    return z + (z**3 + z) / (4 * n) + second + third


def _exact(hits: float, size: float) -> tuple[float, float]:
    """Return the range of Clopper and Pearson, also for numbers that are not whole."""
    low = 0.0 if hits <= 0 else _solve(lambda at: _beta(hits, size - hits + 1, at) - _TAIL)
    high = 1.0 if hits >= size else _solve(lambda at: _beta(hits + 1, size - hits, at) - (1 - _TAIL))
    return low, high


def _solve(rises: Callable[[float], float]) -> float:
    """Return where a function that rises from 0 to 1 is zero."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) < 0 else (low, middle)
    return (low + high) / 2


def _beta(a: float, b: float, at: float) -> float:
    """Return the regularised incomplete beta function, by its continued fraction (Abramowitz and Stegun 26.5.8)."""
    if at <= 0 or at >= 1:
        return float(at >= 1)
    if at > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - at)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(at) + b * log1p(-at)) / a
    upper, lower = 1.0, 1 / (1 - (a + b) * at / (a + 1))
    total = lower
    for n in range(1, 500):
        for part in (
            n * (b - n) * at / ((a + 2 * n - 1) * (a + 2 * n)),
            -(a + n) * (a + b + n) * at / ((a + 2 * n) * (a + 2 * n + 1)),
        ):
            upper, lower = 1 + part / upper, 1 / (1 + part * lower)
            total *= upper * lower
        if abs(upper * lower - 1) < 1e-10:
            break
    return front * total
