"""Tables on a narrow screen: what somebody has to type next, a number or a name, is there whole."""

import pytest
from rich.cells import cell_len

from ledger.entrypoints.cli.screen.sheet import Column, SheetRow, print_sheet
from ledger.simulator import Simulator

from .conftest import Shell


@pytest.fixture
def recalled(shell: Shell, simulator: Simulator) -> Shell:
    """A campaign with a recall, on the narrowest screen that there is."""
    shell.send(simulator, 3, campaign="bonus-2026")
    assert shell("recall", "--campaign", "bonus-2026", "--reason", "wrong amount for all", "--yes").code == 0
    shell.variables["COLUMNS"] = "60"
    return shell


def test_a_recall_shows_its_number_and_how_it_stands(recalled: Shell) -> None:
    header, line = recalled("recalls").out.splitlines()
    assert (header.split()[0], line.split()[0], "finished" in line) == ("id", "1", True)


def test_a_campaign_shows_its_whole_name_and_its_deadline(recalled: Shell, simulator: Simulator) -> None:
    recalled.send(simulator, 2, campaign="bonus-2027")
    out = recalled("campaigns").out
    assert all(name in out for name in ("bonus-2026", "bonus-2027", "min left"))


@pytest.mark.parametrize("command", [("recalls",), ("campaigns",), ("history",)])
def test_nothing_but_a_column_that_gives_way_is_shortened(recalled: Shell, command: tuple[str, ...]) -> None:
    header, *lines = recalled(*command).out.splitlines()
    assert "…" not in header
    assert all(cell_len(line) <= 60 for line in lines)


def test_the_first_columns_to_go_are_those_that_say_least(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    columns = (
        Column(title="id", is_number=True),
        Column(title="first to go", goes=2),
        Column(title="second", goes=1),
        Column(title="reason", gives_way=True, is_text=True),
    )
    rows = [SheetRow(cells=("1234", "a", "b", "a long reason indeed"))]
    shown = {}
    for width in (60, 22, 12):
        print_sheet(Console(width=width), columns, rows)
        shown[width] = capsys.readouterr().out.splitlines()[0].split("  ")
    assert [title.strip() for title in shown[60] if title.strip()] == ["id", "first to go", "second", "reason"]
    assert [title.strip() for title in shown[22] if title.strip()] == ["id", "second", "reason"]
    assert [title.strip() for title in shown[12] if title.strip()] == ["id", "reason"]
