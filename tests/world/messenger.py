"""Whoever hears of what the ledger does: notices arrive, or are lost on the way, and their sender may die over it."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from ledger.core.notices.notices import Notice
from ledger.errors import NoticeError
from tests.world.line import Weather
from tests.world.timeline import Timeline

if TYPE_CHECKING:
    from tests.world.process import Process

PLACES = ("desk", "boss")


class Messenger:
    """One place that hears of everything, as the processes of a day reach it; `heard` counts by place and notice."""

    def __init__(
        self,
        place: str,
        process: "Process",
        timeline: Timeline,
        weather: Weather,
        random: Random,
        heard: Counter[tuple[str, str]],
    ) -> None:
        self._place, self._process, self._timeline = place, process, timeline
        self._weather, self._random, self._heard = weather, random, heard

    def take(self, notice: Notice) -> None:
        """Hear of something, or not."""
        self._reach("before a notice", lambda: None)
        self._reach("after a notice", lambda: self._heard.update([(self._place, notice.uid)]))

    def _reach(self, where: str, action: Callable[[], None]) -> None:
        self._process.boundary(where)
        if self._random.random() < self._weather.chance:
            raise NoticeError(f"lost {where}")
        action()
        self._timeline.sleep(0.01)
