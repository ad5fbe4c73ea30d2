"""Tables on a narrow screen: what somebody has to type next, a number or a name, is there whole."""

import re
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO

import pytest
from rich.cells import cell_len

from ledger.core.recalls.quota import quota
from ledger.entrypoints.cli.screen.costs import cost_facts
from ledger.entrypoints.cli.screen.paper import Paper
from ledger.entrypoints.cli.screen.sentences import sentence
from ledger.entrypoints.cli.screen.sheet import Column, SheetRow, sheet_lines
from ledger.entrypoints.cli.screen.width import NARROWEST
from ledger.simulator import FailedReason, Simulator

from .conftest import Shell

WIDTHS = (60, 80, 120)
# Whatever is still recorded.
MESSAGES = "messages --since 2020-01-01T00:00:00Z"
LONG = "spring-promotion-for-all-2026"
CHINESE = "年终活动通知,请大家查看,谢谢大家的支持与配合"
HOSTILE = "\x1b[2Jspring\u202e\tpromo"


@pytest.fixture
def recalled(shell: Shell, simulator: Simulator) -> Shell:
    """Campaigns with names of every kind; of one, a message was recalled and one refused."""
    kept, _ = shell.send(simulator, 2, campaign=LONG, users=["zhang.san", "li.si", "wang.wu"])
    simulator.world.change(failed_reasons={kept: FailedReason(reason="who knows")})
    done = shell("recall", "--campaign", LONG, "--reason", "wrong amount for all", "--yes")
    assert done.code == 3, done.err
    for name in (CHINESE, HOSTILE):
        shell.send(simulator, 1, campaign=name)
    return shell


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "command", ["campaigns", "recalls", "history", "show 1", MESSAGES, "people --recall 1", "watch --once"]
)
def test_no_line_is_wider_than_the_screen_whatever_names_are_made_of(recalled: Shell, command: str, width: int) -> None:
    lines = recalled.seen(width, *command.split())
    assert lines
    assert all(cell_len(line) <= width and line.isprintable() for line in lines)
    assert "…" not in lines[0]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", ["campaigns", "history", "recalls", MESSAGES])
def test_the_name_of_a_campaign_has_24_cells_before_anything_else_is_kept(
    recalled: Shell, command: str, width: int
) -> None:
    found = next(line for line in recalled.seen(width, *command.split()) if "spring-promo" in line and "2026" in line)
    name = next(word for word in found.split() if word.startswith("spring-promo"))
    assert len(name) >= 24
    assert name == LONG or name.endswith("2026")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", ["history", MESSAGES])
def test_what_tells_a_row_from_another_stays_on_any_screen(recalled: Shell, command: str, width: int) -> None:
    lines = recalled.seen(width, *command.split())
    assert {"person", "key", "to"} & set(lines[0].split())


@pytest.mark.parametrize("command", ["campaigns", "history", MESSAGES])
def test_a_file_or_a_pipe_gets_every_name_and_key_whole(recalled: Shell, command: str) -> None:
    recalled.variables["COLUMNS"] = "60"
    out = recalled(*command.split()).out
    assert LONG in out
    assert "…" not in out
    if command == "campaigns":
        assert CHINESE in out
        assert "\\x1b[2Jspring\\u202e\\tpromo" in out
    else:
        keys = [item["process_query_key"] for item in recalled("history", "--json").json]
        assert all(key in out for key in keys)


def test_columns_of_campaigns_go_by_rank_and_how_long_is_left_stays(recalled: Shell) -> None:
    titles = {width: " ".join(recalled.seen(width, "campaigns")[0].split()) for width in WIDTHS}
    assert titles == {
        60: "campaign left recallable people",
        80: "campaign left recallable until CST people recalled",
        120: "campaign left recallable until CST people recalled",
    }


def test_history_keeps_the_person_at_80_columns_and_says_why_under_the_row(recalled: Shell) -> None:
    header, *lines = recalled.seen(80, "history")
    assert header.split() == ["ended", "recall", "outcome", "campaign", "person"]
    assert sum("zhang.san +2" in line for line in lines) == 2
    assert "    failedResult: who knows" in lines
    assert recalled.seen(60, "history")[0].split() == ["recall", "outcome", "campaign", "person"]
    assert recalled.seen(120, "history")[0].split()[-1] == "key"


def test_recalls_say_why_messages_were_refused_and_who_stopped_or_repeated_a_recall(recalled: Shell) -> None:
    assert recalled.seen(60, "recalls")[2] == "    1 refused: failedResult: who knows"
    assert recalled("retry", "1", "--actor", "bob").code == 3
    notes = recalled.seen(80, "recalls")[2:]
    assert notes[0].startswith("    bob retried it ")
    assert notes[0].endswith(" CST")


def test_the_timeline_of_a_recall_says_seconds(recalled: Shell) -> None:
    started = next(line for line in recalled.seen(80, "show", "1") if "started by" in line)
    assert started.split(": ")[0].count(":") == 2


def _titles(columns: Sequence[Column], rows: Sequence[SheetRow], width: int) -> list[str]:
    header, _ = next(sheet_lines(columns, rows, width))
    return [title.strip() for title in header.split("  ") if title.strip()]


def test_the_first_columns_to_go_are_those_that_say_least() -> None:
    columns = (
        Column(title="id", is_number=True),
        Column(title="first to go", goes=2),
        Column(title="second", goes=1),
        Column(title="reason", gives_way=True, is_text=True),
    )
    rows = [SheetRow(cells=("1234", "a", "b", "a long reason indeed"))]
    assert _titles(columns, rows, 60) == ["id", "first to go", "second", "reason"]
    assert _titles(columns, rows, 22) == ["id", "second", "reason"]
    assert _titles(columns, rows, 12) == ["id", "reason"]


def test_wide_letters_are_measured_in_cells_and_never_cut_in_half() -> None:
    columns = (Column(title="name", gives_way=True), Column(title="n", is_number=True))
    rows = [SheetRow(cells=("年终活动通知大家", "1")), SheetRow(cells=("ab", "22"))]
    for width in range(10, 22):
        lines = [line for line, _ in sheet_lines(columns, rows, width)]
        assert all(cell_len(line) <= width for line in lines)
        assert cell_len(lines[1]) == cell_len(lines[2])


@pytest.mark.parametrize(("used", "limit"), [(0, 5_000_000), (4_999_000, 5_000_000), (6_000_000, 5_000_000)])
def test_what_a_plan_takes_of_the_month_is_said_whole_on_the_narrowest_screen(used: int, limit: int) -> None:
    for calls in (1, limit):
        cost, taken = cost_facts(calls, 3600.0 * 30, quota(limit, used, calls, 0))
        assert all(cell_len(fact.text) <= NARROWEST - len("  first deadline  ") for fact in (cost, taken))
        assert f"{max(limit - used - (calls if used + calls <= limit else 0), 0):,} left" in taken.text


@pytest.mark.parametrize("width", WIDTHS)
def test_a_plan_says_each_of_its_facts_in_one_line(recalled: Shell, simulator: Simulator, width: int) -> None:
    recalled.send(simulator, 2, campaign=LONG, users=["zhang.san"])
    recalled.send(simulator, 1, campaign=LONG, age=timedelta(hours=25))
    recalled.variables["LEDGER_MONTHLY_CALLS"] = "3"
    words = ("recall", "--campaign", LONG, "--reason", "很多人收到了错误的链接 " * 9, "--sticky", "1h", "--dry-run")
    lines = recalled.seen(width, *words)
    assert all(cell_len(line) <= width for line in lines)
    labels = [line[2:].split("  ")[0].strip() for line in lines if line.startswith("  ")]
    wanted = ["reason", "left out", "", "cost", "quota", "first deadline", "last deadline", "sticky"]
    assert [label for label in labels if label in wanted][: len(wanted)] == wanted
    assert "WARNING" in labels
    assert all("…" not in line for line in lines if "reason" not in line)
    whole = recalled(*words).out
    assert "很多人收到了错误的链接 " * 8 in whole
    assert "at the allowed rate" in whole


def test_a_campaign_of_which_a_plan_takes_nothing_does_not_look_as_if_it_were_recalled(
    recalled: Shell, simulator: Simulator
) -> None:
    for name in ("news-1", "news-2", "news-3"):
        recalled.send(simulator, 2, campaign=name)
    recalled.send(simulator, 1, campaign="news-4", age=timedelta(hours=25))
    assert recalled("recall", "--campaign", "news-2", "--reason", "held", "--yes").code == 0
    lines = recalled.seen(60, "recall", "--campaign", "news-*", "--reason", "wrong", "--dry-run")
    assert lines[0] == "Recall 4 messages of news-1, news-3 from 1 person"
    assert [line.split() for line in lines if "nothing of" in line] == [["nothing", "of", "news-2"]]


@pytest.mark.parametrize("width", WIDTHS)
def test_what_somebody_has_to_type_is_never_cut_or_broken(shell: Shell, simulator: Simulator, width: int) -> None:
    simulator.world.change(permission_missing=True)
    shell.send(simulator, 2, campaign=CHINESE)
    assert shell("recall", "--campaign", CHINESE, "--reason", "wrong amount for all", "--yes").code == 5
    for command in ("watch --once", "show 1", "resume 1"):
        assert "ledger resume 1" in "\n".join(shell.seen(width, *command.split()))
    shell.send(simulator, 2, campaign=LONG)
    shell.variables |= {"COLUMNS": str(width), "TTY_COMPATIBLE": "1"}
    planned = shell("recall", "--campaign", LONG, "--reason", "again", "--dry-run").err
    assert re.search(r"^ledger recall --plan \d+ --token plan_\S+$", planned, re.MULTILINE), planned


@pytest.mark.parametrize("width", WIDTHS)
def test_further_lines_of_a_sentence_are_set_in(recalled: Shell, width: int) -> None:
    lines = recalled.seen(width, "show", "1")
    head = lines[1 : lines.index("")]
    assert all(line.startswith("  ") for line in head)
    assert not any("ledger show 1" in line for line in head), "nobody is sent to where they are"


def test_lines_end_between_words_and_never_within_a_command() -> None:
    screen = StringIO()
    paper = Paper(width=24, force_terminal=True, color_system=None, file=screen)
    sentence(paper, "no worker is at work, so start `ledger worker --now` there", lead="  ")
    sentence(paper, "请大家查看这封通知并请尽快回复谢谢大家", lead="  原因  ")
    assert screen.getvalue().splitlines() == [
        "  no worker is at work,",
        "    so start",
        "    `ledger worker --now`",
        "    there",
        "  原因  请大家查看这封通",
        "        知并请尽快回复谢",
        "        谢大家",
    ]
