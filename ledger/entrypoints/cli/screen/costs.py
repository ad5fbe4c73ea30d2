"""What something that is planned costs, and what would stop it: for whatever makes calls."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from ledger.core.recalls.stop import StopCode
from ledger.entrypoints.cli.screen.facts import Fact
from ledger.entrypoints.cli.screen.words import number_of, plain, span

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.core.recalls.quota import Quota
    from ledger.core.recalls.stop import PlanStop

# The cells beside what would stop a plan, which is written whole, in as many lines as it takes.
STOP_MARGIN = 18
# What has a line of its own in the plan.
_SAID_ELSEWHERE = (StopCode.QUOTA_SHORT, StopCode.ROBOT_UNCONFIGURED)
_WARNING = "bold yellow"


def cost_facts(calls: int, seconds: float, quota: "Quota") -> Iterator[Fact]:
    """Yield how many calls it takes, how long, and what that leaves of the month."""
    took = f"{number_of(calls, 'call')}, about {span(max(seconds, 1))}"
    yield Fact("cost", took, (" at the allowed rate",))
    share = 100 * calls / quota["limit"]
    shown = "under 1 %" if share < 1 else f"{share:.0f} %"
    is_enough = quota["after"] >= 0
    left = quota["after"] if is_enough else max(quota["limit"] - quota["used"], 0)
    more = (" afterwards" if is_enough else "", f", of {quota['limit']:,}", f"; {quota['used']:,} used before")
    yield Fact("quota", f"{shown} of the month, {left:,} left", more)


def quota_facts(quota: "Quota", what: str) -> Iterator[Fact]:
    """Say in plain words that a plan takes more of the month's calls than it should, in lines that fit any screen."""
    after, reserve = quota["after"], quota["reserve"]
    if after < 0:
        yield Fact("WARNING", f"{number_of(-after, 'call')} too few are left this month", style=_WARNING)
        yield Fact("", f"the {what} pauses when they are used up", style=_WARNING)
    elif after < reserve:
        yield Fact("WARNING", f"this leaves {number_of(after, 'call')} of the month,", style=_WARNING)
        yield Fact("", f"fewer than the {reserve:,} that are to be kept", style=_WARNING)
        yield Fact("", "(LEDGER_QUOTA_RESERVE_CALLS)", style=_WARNING)


def stop_facts(paper: "Console", stops: "Sequence[PlanStop]") -> Iterator[Fact]:
    """Yield what would stop a plan, each written whole."""
    for stop in stops:
        if stop.code not in _SAID_ELSEWHERE:
            lines = wrap(plain(stop.text), max(paper.width - STOP_MARGIN, 30)) if paper.is_terminal else [stop.text]
            labels = ("WOULD STOP", *[""] * len(lines))
            yield from (Fact(*one, style=_WARNING) for one in zip(labels, lines, strict=False))
