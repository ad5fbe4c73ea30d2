"""Which messages a plan saw, in a few bytes each: those that it takes, in the order of their calls, and the others.

A plan copies no message. This is what it keeps instead until it is run: numbers, which are cut and packed well.
"""

import hashlib
import json
import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, chain
from operator import sub
from typing import Any, NamedTuple

from ledger.core.recalls.plan import KEYS_PER_CALL, Candidate, Standing, Tally
from ledger.core.recording.message import AppName, Chat, Route

# Numbers of messages follow each other closely, and the rest is mostly the same: more effort gains little.
_EFFORT = 1
_STANDINGS = tuple(Standing)
# What is packed: a column of the table, the type of its array, and whether each number is near the one before it.
PACKED = {
    "taken": ("q", True),
    "lanes": ("i", False),
    "which_api": ("i", False),
    "sizes": ("i", False),
    "which_campaign": ("i", False),
    "skipped": ("q", True),
    "standings": ("b", False),
    "skipped_campaign": ("i", False),
}
_OF_TAKEN = ("taken", "lanes", "which_api", "sizes", "which_campaign")


class Taken(NamedTuple):
    """A message that becomes an item: of which app, in which lane; the plan saw its campaign, and how many got it."""

    message_id: int
    app: str
    lane: int
    size: int
    campaign: str | None

    @property
    def in_doubt(self) -> bool:
        """Say whether an earlier ask may have worked although nobody said so."""
        return self.lane < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A selected message that does not become an item, and why."""

    message_id: int
    standing: Standing
    campaign: str | None


def lane_of(lane: int, *, in_doubt: bool) -> int:
    """Return the lane of a message on the route of a lane: doubtful ones have one of their own beside each."""
    return -1 - lane if in_doubt else lane


_NUMBERS, _SMALL, _TINY = partial(array, "q"), partial(array, "i"), partial(array, "b")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMessages:
    """What a plan saw. What it takes is in such an order that any first part of it holds whole calls."""

    apis: Sequence[tuple[AppName, Chat]] = ()
    campaigns: Sequence[str | None] = ()
    taken: "array[int]" = field(default_factory=_NUMBERS)
    lanes: "array[int]" = field(default_factory=_SMALL)
    which_api: "array[int]" = field(default_factory=_SMALL)
    sizes: "array[int]" = field(default_factory=_SMALL)
    which_campaign: "array[int]" = field(default_factory=_SMALL)
    skipped: "array[int]" = field(default_factory=_NUMBERS)
    standings: "array[int]" = field(default_factory=_TINY)
    skipped_campaign: "array[int]" = field(default_factory=_SMALL)

    @classmethod
    def of(cls, tally: Tally, left_out: "LeftOut", campaigns: Sequence[str | None]) -> "PlanMessages":
        """Return what a plan keeps of what was decided, the nearest deadline of a call first.

        The numbers go over from the sums, which have no use for them: a million of them twice would be large.
        """
        found = cls(
            apis=sorted(tally.apis),
            campaigns=campaigns,
            skipped=left_out.ids,
            standings=left_out.standings,
            skipped_campaign=left_out.campaigns,
        )
        routes: dict[Route, int] = {}
        numbers, places = [], []
        lanes = list(tally.lanes.values())
        for lane in lanes:
            number = routes.setdefault(lane.route, len(routes))
            numbers.append(lane_of(number, in_doubt=lane.in_doubt))
            places.append(found.apis.index((lane.route.app, lane.route.chat)))
        for place, start in tally.calls_in_order():
            here = slice(start, start + KEYS_PER_CALL)
            ids = lanes[place].ids[here]
            found.taken.extend(ids)
            found.sizes.extend(lanes[place].sizes[here])
            found.which_campaign.extend(lanes[place].campaigns[here])
            found.lanes.extend([numbers[place]] * len(ids))
            found.which_api.extend([places[place]] * len(ids))
        for lane in lanes:
            for column in (lane.ids, lane.sizes, lane.campaigns):
                del column[:]
        return found

    @classmethod
    def unpacked(cls, row: Mapping[str, Any]) -> "PlanMessages":
        """Read what `packed` has made."""
        arrays = {name: _unpack(row[name], code, is_near=is_near) for name, (code, is_near) in PACKED.items()}
        apis = [(AppName(app), Chat(chat)) for app, chat in row["apis"]]
        return cls(apis=apis, campaigns=row["campaigns"], **arrays)

    def packed(self) -> dict[str, Any]:
        """Return it as columns of a row."""
        arrays = {name: _pack(getattr(self, name), is_near=is_near) for name, (_, is_near) in PACKED.items()}
        return {"apis": [list(api) for api in self.apis], "campaigns": list(self.campaigns), **arrays}

    def without(self, left_out: Mapping[int, Standing]) -> "PlanMessages":
        """Return what is seen when some of what it takes is left out after all, each for a reason."""
        places = [place for place, one in enumerate(self.taken) if one in left_out]
        gone = set(places)
        kept = [place for place in range(len(self.taken)) if place not in gone]
        why = array("b", (_STANDINGS.index(left_out[self.taken[place]]) for place in places))
        return replace(
            self,
            taken=_only(self.taken, kept),
            lanes=_only(self.lanes, kept),
            which_api=_only(self.which_api, kept),
            sizes=_only(self.sizes, kept),
            which_campaign=_only(self.which_campaign, kept),
            skipped=self.skipped + _only(self.taken, places),
            standings=self.standings + why,
            skipped_campaign=self.skipped_campaign + _only(self.which_campaign, places),
        )

    def by_campaign(self) -> dict[str | None, tuple[int, int]]:
        """Return how many messages it takes of each campaign, and how many deliveries they are together."""
        if len(self.campaigns) == 1:
            return {self.campaigns[0]: (len(self.taken), sum(self.sizes))} if self.taken else {}
        counts, deliveries = Counter(self.which_campaign), [0] * len(self.campaigns)
        for place, size in zip(self.which_campaign, self.sizes, strict=True):
            deliveries[place] += size
        return {self.campaigns[place]: (counts[place], deliveries[place]) for place in sorted(counts)}

    def end_of_calls(self, start: int, rows: int) -> int:
        """Return the end of about so many of what is taken, such that no call is cut in two; `start` is such an end."""
        stop = min(start + rows, len(self.taken))
        if stop == start:
            return stop
        lane, begin = self.lanes[stop - 1], stop - 1
        while begin > start and self.lanes[begin - 1] == lane:
            begin -= 1
        whole = begin + -(-(stop - begin) // KEYS_PER_CALL) * KEYS_PER_CALL
        while stop < min(whole, len(self.taken)) and self.lanes[stop] == lane:
            stop += 1
        return stop

    def part(self, items: slice, skips: slice) -> "PlanMessages":
        """Return some of what it takes and of the others, as if a plan had seen nothing else."""
        return replace(
            self,
            **{name: getattr(self, name)[items] for name in _OF_TAKEN},
            **{name: getattr(self, name)[skips] for name in PACKED if name not in _OF_TAKEN},
        )

    @property
    def is_of_one_kind(self) -> bool:
        """Say whether all that it takes is of one app, lane and campaign."""
        return len(set(zip(self.which_api, self.lanes, self.which_campaign, strict=True))) == 1

    def items(self, start: int, stop: int) -> list[Taken]:
        """Return some of the messages that become items."""
        here = slice(start, stop)
        columns = (self.taken, self.which_api, self.lanes, self.sizes, self.which_campaign)
        return [
            Taken(message_id, self.apis[api][0], lane, size, self.campaigns[campaign])
            for message_id, api, lane, size, campaign in zip(*(column[here] for column in columns), strict=True)
        ]

    def skips(self, start: int, stop: int) -> list[Skipped]:
        """Return some of the messages that do not."""
        columns = (self.skipped, self.standings, self.skipped_campaign)
        return [
            Skipped(message_id=one, standing=_STANDINGS[standing], campaign=self.campaigns[campaign])
            for one, standing, campaign in zip(*(column[start:stop] for column in columns), strict=True)
        ]

    def skipped_as(self, *standings: Standing) -> list[int]:
        """Return the messages that were left out for certain reasons."""
        these = {_STANDINGS.index(standing) for standing in standings}
        return [one for one, why in zip(self.skipped, self.standings, strict=True) if why in these]


@dataclass(slots=True, kw_only=True)
class LeftOut:
    """The messages that were selected and not taken, and why."""

    ids: "array[int]" = field(default_factory=_NUMBERS)
    standings: "array[int]" = field(default_factory=_TINY)
    campaigns: "array[int]" = field(default_factory=_SMALL)

    def add(self, candidate: Candidate, standing: Standing) -> None:
        """Note what was decided; what another recall has recalled stands in that recall's history already."""
        if standing is not Standing.ELIGIBLE and standing is not Standing.ALREADY_RECALLED:
            self.ids.append(candidate.message_id)
            self.standings.append(_STANDINGS.index(standing))
            self.campaigns.append(candidate.campaign)


def last_taken(packed: bytes, count: int) -> "array[int]":
    """Return the last so many of the messages that a plan takes, from that one column of its row."""
    code, is_near = PACKED["taken"]
    numbers = _unpack(packed, code, is_near=is_near)
    return numbers[len(numbers) - count :]


def digest_of(packed: Mapping[str, Any]) -> str:
    """Return a SHA-256 over what a plan keeps, as it is stored, whatever somebody made of it."""
    words = json.dumps([packed["apis"], packed["campaigns"]], ensure_ascii=True)
    digest = hashlib.sha256(words.encode())
    for name in PACKED:
        stored = packed[name] if isinstance(packed[name], bytes) else repr(packed[name]).encode()
        digest.update(len(stored).to_bytes(8, "little"))
        digest.update(stored)
    return digest.hexdigest()


def _only(numbers: "array[int]", places: Sequence[int]) -> "array[int]":
    return array(numbers.typecode, (numbers[place] for place in places))


def _pack(numbers: "array[int]", *, is_near: bool) -> bytes:
    kept = array(numbers.typecode, map(sub, numbers, chain((0,), numbers))) if is_near else numbers[:]
    if sys.byteorder == "big":
        kept.byteswap()
    return zlib.compress(kept.tobytes(), _EFFORT)


def _unpack(packed: bytes, code: str, *, is_near: bool) -> "array[int]":
    kept = array(code, zlib.decompress(packed))
    if sys.byteorder == "big":
        kept.byteswap()
    return array(code, accumulate(kept)) if is_near else kept
