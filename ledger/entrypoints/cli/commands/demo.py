"""The whole story in half a minute: a pretend DingTalk, a throw-away ledger, and the very commands of every day."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.core.access.roles import Identity, Role
from ledger.entrypoints.cli import demo_story as story
from ledger.entrypoints.cli.carry_out import carry_out
from ledger.entrypoints.cli.screen.output import console
from ledger.entrypoints.cli.screen.plans import show_plan
from ledger.entrypoints.cli.screen.results import show_result
from ledger.entrypoints.cli.screen.tables import print_campaigns, print_history
from ledger.entrypoints.cli.screen.verification import show_verification
from ledger.entrypoints.cli.screen.words import number_of
from ledger.entrypoints.process.streams import until_reader_leaves

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.app import Ledger
    from ledger.simulator import Simulator

# Slow enough to watch; DingTalk itself allows 20 and more.
CALLS_PER_SECOND = 1.6
REASON = "typo in the headline"
RECORD = 'book.record(process_query_key=answer["processQueryKey"], robot_code=..., user_ids=..., campaign=...)'
NEXT = """\
Nothing of this touched your own data. With an app of your own:
  export LEDGER_APP_KEY=... LEDGER_APP_SECRET=...
  ledger doctor                                   is everything there?
  ledger record --robot ROBOT --key KEY --user ID --campaign NAME
  ledger recall --campaign NAME --reason "..." --dry-run
  ledger --help"""


@until_reader_leaves
def demo() -> None:
    """Tell the whole story on a pretend DingTalk.

    It needs no credentials, takes half a minute and leaves nothing behind.
    """
    from ledger.app import Ledger
    from ledger.database_url import url_of_file
    from ledger.settings import Settings
    from ledger.simulator import Behaviour, Simulator

    behaviour = Behaviour(calls_per_second=None)
    with (
        _without_settings(),
        tempfile.TemporaryDirectory(prefix="ledger-demo-") as folder,
        Simulator(behaviour=behaviour) as dingtalk,
    ):
        settings = Settings.load(
            database_url=url_of_file(Path(folder) / "ledger.sqlite"),
            api_url=dingtalk.url,
            app_key="demo",
            app_secret="demo",  # noqa: S106 - the simulator takes any
            calls_per_second=CALLS_PER_SECOND,
        )
        with Ledger(settings) as book:
            _tell(book, dingtalk)


def _tell(book: "Ledger", dingtalk: "Simulator") -> None:
    paper, now = console(), book.parts.clock.now
    _step(paper, 1, "A sender sends two campaigns, and records each message with one line")
    paper.print(RECORD, soft_wrap=True)
    story.play(book, dingtalk)
    _step(paper, 2, "What can still be recalled (ledger campaigns)")
    print_campaigns(paper, book.campaigns(), now(), show_all=True)
    _step(paper, 3, f"Oops: a typo. ledger recall --campaign {story.SPRING} --reason {REASON!r}")
    plan = book.plan(campaign=story.SPRING, reason=REASON, actor="demo")
    show_plan(paper, plan, selection={"campaign": story.SPRING}, reason=REASON, now=now())
    paper.file.flush()
    result = carry_out(book.parts, plan, who=Identity(name="demo", role=Role.ADMIN))
    report = book.show(result.recall_id)
    show_result(paper, result, report.items, now=now(), planned_calls=plan.calls, people=report.people)
    _step(paper, 4, "What became of every key (ledger history), here those that were not recalled")
    print_history(paper, list(book.history(outcome="refused")))
    _step(paper, 5, "What is past its 24 hours goes (ledger purge), the history stays (ledger verify)")
    paper.print(f"{number_of(book.purge().purged, 'message')} deleted")
    show_verification(paper, book.verify())
    paper.print()
    paper.print(NEXT, soft_wrap=True)


def _step(paper: "Console", number: int, title: str) -> None:
    paper.print()
    paper.print(f"{number}. {title}", style="bold cyan", soft_wrap=not paper.is_terminal)
    paper.file.flush()


@contextmanager
def _without_settings() -> Iterator[None]:
    """Take the caller's LEDGER_ variables away: a demonstration must not reach anybody's real app or ledger."""
    taken = {name: value for name, value in os.environ.items() if name.startswith("LEDGER_")}
    for name in taken:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(taken)
