"""Hardships of our own machine while a recall runs: a full disk, and trouble that people can see."""

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import event, insert, text

from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Result, Status
from ledger.core.recalls.reply import BAN_STATUS
from ledger.simulator import Cut, ScriptedAnswer, World
from ledger.store.recalls.lost_calls import LOST
from ledger.store.schema import recall_calls
from ledger.testing import InlineExecutor, WorldTransport
from tests.conftest import NOON
from tests.sending import send

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"


class RingingClock(FakeClock):
    """A fake clock that does something whenever somebody sleeps."""

    ring: Callable[[], None] = staticmethod(lambda: None)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.ring()


def test_a_full_disk_loses_no_answer(tmp_path: Path, sqlite_template: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "ledger.sqlite")
    clock = RingingClock(NOON)
    world = World(clock.now, seed=3)
    settings = Settings.load(
        database_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}", app_key="dingapp", app_secret="long-secret-of-app"
    )
    with Ledger(settings, clock=clock, executor=InlineExecutor(), transport=WorldTransport(world, clock)) as book:
        send(book, world, 400)
        plan = book.plan(campaign="spring", reason="wrong link")
        full_for = 10

        def allow_pages(pages: int) -> None:
            with book.parts.database.engine.connect() as connection:
                connection.execute(text(f"PRAGMA max_page_count = {pages}"))

        def ring() -> None:
            nonlocal full_for
            asked = len([call for call in world.calls() if call.path == ONE_ON_ONE])
            if asked >= 5 and full_for == 10:
                allow_pages(1)  # no more than there are: the disk is full
            if asked >= 5:
                full_for -= 1
            if full_for == 0:
                allow_pages(1_000_000)

        refused: list[str] = []
        event.listen(
            book.parts.database.engine, "handle_error", lambda context: refused.append(str(context.original_exception))
        )
        clock.ring = ring
        result = book.run(plan)
        assert (result.status, result.recalled, result.calls) == (Status.FINISHED, 400, 20)
        asked = [key for call in world.calls() for key in call.keys]
        assert len(asked) == len(set(asked)) == 400
        assert book.verify().ok
        assert "disk is full" in refused[0]


def test_people_see_what_holds_a_running_recall_up(book: Ledger, world: World) -> None:
    send(book, world, 1)
    world.script(ScriptedAnswer(path=ONE_ON_ONE, times=2, cut=Cut.BEFORE_WORK))
    seen: list[Result] = []
    book.run(book.plan(campaign="spring", reason="wrong link"), on_progress=seen.append)
    troubles = [result.trouble for result in seen if result.trouble is not None]
    assert troubles
    assert troubles[0]["code"] == "no_answer"
    assert "cut the connection" in (troubles[0]["reason"] or "")
    assert seen[-1].trouble is None


def test_people_see_until_when_a_ban_holds_a_running_recall_up(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 1)
    world.script(ScriptedAnswer(path=ONE_ON_ONE, status=200, body={"status": BAN_STATUS, "punish": "deny"}))
    seen: list[Result] = []
    book.run(book.plan(campaign="spring", reason="wrong link"), on_progress=seen.append)
    banned = [one.trouble for one in seen if one.trouble is not None and one.trouble["verdict"] == "banned"]
    until = datetime.fromisoformat(banned[0]["until"] or "")
    assert timedelta(0) <= clock.now() - until < timedelta(seconds=30), "the wait was over when it went on"
    assert seen[-1].trouble is None


def test_a_call_that_was_lost_with_its_process_is_no_trouble_of_dingtalk(book: Ledger, world: World) -> None:
    send(book, world, 1)
    plan = book.plan(campaign="spring", reason="wrong link")
    book.parts.lifecycle.start(plan.recall_id)
    now = book.parts.clock.now()
    with book.parts.database.write() as connection:
        connection.execute(
            insert(recall_calls).values(
                recall_id=plan.recall_id,
                app="default",
                chat="one_to_one",
                robot_code="r",
                key_count=1,
                owner="gone",
                slot_at=now,
                lease_until=now,
                finished_at=now,
                verdict=LOST,
            )
        )
    assert book.parts.recall_reports.progress(plan.recall_id).trouble is None
