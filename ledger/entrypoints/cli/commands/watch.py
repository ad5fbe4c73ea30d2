"""`ledger watch`: *Now*, in the terminal."""

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.access.bounds import EVERYTHING
from ledger.core.access.roles import Identity, Role
from ledger.core.recalls.recall import Status
from ledger.entrypoints.cli.durations import read_interval
from ledger.entrypoints.cli.screen.output import console
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.streams import until_reader_leaves

if TYPE_CHECKING:
    from ledger.entrypoints.cli.screen.now import Look
    from ledger.parts import Parts

MOST_RECALLS = 20
Once = Annotated[bool, typer.Option("--once", help="Look once, and end.")]
Interval = Annotated[str, typer.Option("--interval", metavar="D", help="Look so often, as in 2s or 1m.")]


@until_reader_leaves
def watch(once: Once = False, interval: Interval = "2s") -> None:
    """Watch what can still be recalled, what is being recalled, and what needs somebody.

    Until Ctrl-C. A file or a pipe gets one look.
    """
    every_seconds, paper = read_interval(interval), console()
    with opened() as parts:
        if once or not paper.is_terminal:
            from rich.text import Text

            from ledger.entrypoints.cli.screen.now import now_lines

            look = _look(parts)
            for text, style in now_lines(look, look.at, columns=paper.width if paper.is_terminal else None, rows=None):
                paper.print(Text(text, style=style or ""), no_wrap=True, overflow="ignore", crop=False)
            return
        from ledger.entrypoints.cli.screen.live import LiveNow, show_live

        show_live(paper, LiveNow(lambda: _look(parts), parts.clock, every_seconds))


def _look(parts: "Parts") -> "Look":
    from ledger.entrypoints.cli.screen.now import Look
    from ledger.entrypoints.process.attention import troubles

    # Who has the database in their hands sees all of it.
    everybody = Identity(name="", role=Role.ADMIN)
    results = parts.current_recalls.results(statuses=(Status.RUNNING, Status.PAUSED))
    lines, requests = parts.recall_lines.of, parts.pages.requests(limit=MOST_RECALLS, who=everybody)
    return Look(
        at=parts.clock.now(),
        campaigns=parts.campaigns(),
        running=lines([one for one in results if one.status is Status.RUNNING]),
        paused=lines([one for one in results if one.status is Status.PAUSED]),
        waiting=lines(requests.waiting),
        stale=lines(requests.stale),
        scheduled=lines(parts.pages.scheduled(limit=MOST_RECALLS, who=everybody)),
        to_review=lines(parts.pages.to_review(limit=MOST_RECALLS, who=everybody)),
        troubles=tuple(troubles(parts)),
        corrections=parts.correction_reports.needing_somebody(EVERYTHING),
    )
