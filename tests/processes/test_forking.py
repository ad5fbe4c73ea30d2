"""Programs that fork with a ledger open, as servers do that load first and fork then, and programs that end."""

import subprocess
import sys
from pathlib import Path

from ledger.core.recalls.recall import Outcome
from tests.processes.conftest import MakeStage, Stage

CHILDREN, KEYS_EACH = 3, 15
BEGIN = """
import logging, os, sys
from datetime import UTC, datetime
from ledger import Ledger, Settings

logging.basicConfig(level="WARNING")
book = Ledger(Settings.load(**eval(sys.argv[1])))

def record(key):
    now = datetime.now(UTC)
    written = book.record(process_query_key=key, robot_code="robot-1", user_ids=["ann"], sent_at=now, campaign="new")
    assert written.recorded + written.spooled == 1, (key, written)

record("before")
"""
FORK_AND_RECORD = f"""
children = []
for child in range({CHILDREN}):
    if (pid := os.fork()) == 0:
        for number in range({KEYS_EACH}):
            record(f"child-{{child}}-{{number}}")
        os._exit(0)
    children.append(pid)
for number in range({KEYS_EACH}):
    record(f"parent-{{number}}")
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
record("after")
"""
RECALL_IN_BOTH = """
book.run(book.plan(campaign="first", reason="wrong link", include_shared=True))
if (pid := os.fork()) == 0:
    result = book.run(book.plan(campaign="second", reason="wrong link", include_shared=True))
    os._exit(0 if result.recalled == 30 else 1)
assert os.waitpid(pid, 0)[1] == 0
"""
RECORD_AT_THE_END = """
import atexit
atexit.register(record, "at the end")

class Last:
    def __del__(self):
        record("after the end")

sys.modules["last"] = Last()
"""


def run(stage: Stage, program: str, tmp_path: Path) -> None:
    """Run a program that holds a ledger; nothing may go wrong in it, and nothing be said."""
    script = tmp_path / "program.py"
    script.write_text(BEGIN + program)
    ended = subprocess.run(
        [sys.executable, str(script), repr(stage.given)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def new_keys(stage: Stage) -> int:
    with stage.book() as book:
        return next(line.messages for line in book.campaigns() if line.campaign == "new")


def test_processes_that_fork_with_a_ledger_open_share_no_connection(make_stage: MakeStage, tmp_path: Path) -> None:
    stage = make_stage()
    run(stage, FORK_AND_RECORD, tmp_path)
    assert new_keys(stage) == 2 + (CHILDREN + 1) * KEYS_EACH


def test_a_process_that_was_forked_after_a_recall_recalls_as_well(make_stage: MakeStage, tmp_path: Path) -> None:
    stage = make_stage()
    for campaign in ("first", "second"):
        stage.send(30, campaign)
    run(stage, RECALL_IN_BOTH, tmp_path)
    with stage.book() as book:
        for campaign in ("first", "second"):
            assert [item.outcome for item in book.history(campaign=campaign)] == [Outcome.RECALLED] * 30


def test_what_is_recorded_while_the_interpreter_ends_is_kept_and_holds_it_up_for_nothing(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    stage = make_stage()
    run(stage, RECORD_AT_THE_END, tmp_path)
    assert new_keys(stage) == 3
