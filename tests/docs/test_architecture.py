"""The pages for those who keep the house describe the house that stands: its paths, its rooms, the life of a recall."""

import re
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.core.recalls.recall import Outcome, Result, Status
from ledger.core.recording.message import Keyless
from ledger.errors import ApprovalNeededError, LedgerError
from ledger.integrations.clients import LIBRARIES
from ledger.services.recalls.lifecycle import RunIn
from ledger.simulator import World
from tests.conftest import MakeLedger
from tests.sending import row, send

from .pages import PAGES, ROOT, block_with, text_of

ARCHITECTURE = ROOT / "docs" / "architecture.md"
DECISIONS = ROOT / "docs" / "decisions"
# What stands at the top of the repository; a word that begins so is a path.
PATH = re.compile(r"(?<![\w/.-])(?:ledger|tests|migrations|docs|\.ci)/[\w./-]*[\w/]")


def table(page: Path, title: str) -> list[list[str]]:
    """Return the rows of the table under a heading, without its head."""
    section = text_of(page).split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return rows[2:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = set(PATH.findall(text_of(page)))
    missing = [path for path in named if not (ROOT / path).exists() or (path[-1] == "/" and (ROOT / path).is_file())]
    assert missing == []


def test_every_room_holds_the_files_that_its_row_names() -> None:
    rooms = {row[0].strip("`"): re.findall(r"`(\w+\.py)`", row[1]) for row in table(ARCHITECTURE, "Rooms")}
    for room, files in rooms.items():
        assert [name for name in files if not (ROOT / room / name).is_file()] == [], room


def test_every_part_of_the_house_has_a_room_or_a_floor() -> None:
    text = text_of(ARCHITECTURE)
    parts = [path for path in (ROOT / "ledger").iterdir() if path.name[0] not in "_." and path.suffix != ".typed"]
    rooms = [
        path for each in ("services", "entrypoints") for path in (ROOT / "ledger" / each).iterdir() if path.is_dir()
    ]
    missing = [
        path.name
        for path in (*parts, *rooms)
        if path.name != "__pycache__" and path.relative_to(ROOT).as_posix() not in text
    ]
    assert missing == []


def test_the_tables_of_states_and_outcomes_have_those_of_the_code() -> None:
    states = [row[0] for row in table(ARCHITECTURE, "The life of a recall")]
    outcomes = [row[0] for row in table(ARCHITECTURE, "The outcomes of an item")]
    assert states == [state.value for state in Status]
    assert outcomes == [outcome.value for outcome in Outcome]


def test_the_table_of_what_has_no_key_has_every_kind() -> None:
    kinds = [row[0].strip("`") for row in table(ROOT / "docs" / "recording.md", "What has no key")]
    assert kinds == [kind.value for kind in Keyless]


def test_the_page_of_recording_names_every_library_that_is_hooked() -> None:
    text = text_of(ROOT / "docs" / "recording.md")
    assert [name for name in LIBRARIES if not re.search(rf"\b{name}\b", text)] == []


def test_decisions_are_numbered_in_order_and_all_of_one_form() -> None:
    records = sorted(DECISIONS.glob("0*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    listed = re.findall(r"\]\((\d{4}[\w-]*\.md)\) \| (.+) \|", text_of(DECISIONS / "README.md"))
    assert [name for name, _ in listed] == [path.name for path in records]
    for path, (_, title) in zip(records, listed, strict=True):
        headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
        wanted = [f"{path.name[:4]}: {title}", "Context", "Decision", "Reason, as measured", "Consequences"]
        assert headings == wanted, path.name


Act = Callable[[Ledger, int], object]
ACTS: dict[str, Act] = {
    "run": lambda book, recall: book.parts.lifecycle.run(recall, run_in=RunIn.ANY_WORKER),
    "approve": lambda book, recall: book.parts.lifecycle.approve(recall, actor="another", run_in=RunIn.ANY_WORKER),
    "refuse": lambda book, recall: book.refuse(recall, actor="another", reason="no"),
    "pause": lambda book, recall: book.parts.lifecycle.pause(recall, why="lunch", actor="tester"),
    "resume": lambda book, recall: book.parts.lifecycle.resume(recall, actor="tester", run_in=RunIn.ANY_WORKER),
    "retry": lambda book, recall: book.parts.lifecycle.retry(recall, actor="tester", run_in=RunIn.ANY_WORKER),
    "cancel": lambda book, recall: book.cancel(recall),
}


def drawn() -> dict[tuple[str, str], set[str]]:
    """Return the arrows of the diagram, each with the acts of people that it names."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    diagram = block_with("stateDiagram", language="mermaid").text
    for old, new, label in re.findall(r"^ *(\w+) --> (\w+): (.+)$", diagram, re.MULTILINE):
        found[old, new] |= set(ACTS) & set(re.findall(r"\w+", label))
    return {arrow: acts for arrow, acts in found.items() if acts}


def paused(book: Ledger, world: World) -> int:
    """Return a paused recall of which one message was refused, and one waits."""
    send(book, world, 1, robot="robot-1", sent_ago=timedelta(minutes=1))
    # No message of DingTalk has this key, which may come; its deadline is nearer, so that it is asked first.
    book.record_many([row("no-such-key", book.parts.clock.now() - timedelta(minutes=2), robot="robot-2")])
    plan = book.plan(campaign="spring", reason="typo")

    def stop_at_the_first(result: Result) -> None:
        if result.refused:
            book.parts.lifecycle.pause(plan.recall_id, why="lunch", actor="tester")

    book.run(plan, on_progress=stop_at_the_first)
    result = book.result(plan.recall_id)
    assert (result.status, result.refused, result.pending) == (Status.PAUSED, 1, 1)
    return plan.recall_id


def recall_in(state: Status, book: Ledger, world: World) -> int:
    """Return a recall in a state, of which one message was refused unless nothing has been asked."""
    if state is Status.PLANNED:
        send(book, world, 1)
        return book.plan(campaign="spring", reason="typo", actor="one").recall_id
    recall = paused(book, world)
    if state is Status.RUNNING:
        book.parts.lifecycle.resume(recall, actor="tester", run_in=RunIn.ANY_WORKER)
    elif state is Status.FINISHED:
        book.resume(recall)
    elif state is Status.CANCELLED:
        book.cancel(recall)
    assert book.result(recall).status is state
    return recall


# What a state allows is the same on both databases; tests/services holds that.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", Status)
def test_an_act_moves_a_recall_as_it_is_drawn(state: Status, act: str, make_ledger: MakeLedger, world: World) -> None:
    needs_another = state is Status.PLANNED and act in ("approve", "refuse")
    book = make_ledger(calls_per_second=1, **({"approval_recipients": 0} if needs_another else {}))
    recall = recall_in(state, book, world)
    if needs_another:
        with pytest.raises(ApprovalNeededError):
            book.run(recall, actor="one")
    try:
        ACTS[act](book, recall)
    except LedgerError:
        now = state
    else:
        now = book.result(recall).status
    arrows = drawn()
    wanted = {new for (old, new), acts in arrows.items() if old == state.value and act in acts}
    assert wanted == ({now.value} - {state.value})
