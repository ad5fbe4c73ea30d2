"""Benchmarks stay runnable: tiny ones, on the database that starts at once; nothing is said of how long they take."""

import json
from pathlib import Path

import pytest

from tests.benchmarks import gateway, growing, machine, planning, purging, recording, single, starting

SQLITE = ["--databases", "sqlite"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Let what starts find its spool in a folder of this test."""
    monkeypatch.setenv("LEDGER_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.setattr(purging, "SECONDS_BEFORE", 0.2)
    monkeypatch.setattr(growing, "SEARCHES", 2)
    monkeypatch.setattr(growing, "RECORDS", 4)
    monkeypatch.setattr(growing, "LOOKS", 1)
    return monkeypatch


def test_recording_one_by_one_is_measured_beside_the_driver(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setattr("sys.argv", ["single", "--messages", "40", "--recipients", "2", "--folder", str(tmp_path), *SQLITE])
    single.main()
    found = json.loads(capsys.readouterr().out)["databases"]["sqlite"]
    assert {"driver, 1 threads", "record, 1 threads", "driver, 16 threads", "record, 16 threads"} <= set(found)
    assert found["record to driver, 1 threads"] > 0


def test_a_plan_and_its_copies_are_measured_beside_a_bare_copy(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setattr("sys.argv", ["planning", "--sizes", "40", "--recipients", "2", "--folder", str(tmp_path), *SQLITE])
    run.setattr(planning, "_child", lambda step, url: {**planning.STEPS[step](url), "processor_seconds": 1.0})
    planning.main()
    found = json.loads(capsys.readouterr().out)["databases"]["sqlite"]["40"]
    assert found["plan"]["rows_written"]["plan_messages"] == 1
    assert found["plan_to_bare"] == 1.0


def test_finding_and_purging_are_measured_beside_a_sender(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setattr("sys.argv", ["growing", "--sizes", "60", "--recipients", "2", "--folder", str(tmp_path), *SQLITE])
    growing.main()
    found = json.loads(capsys.readouterr().out)["databases"]["sqlite"]
    assert found["60"]["find"]["by_user_messages"] >= 1
    assert found["60"]["recall"]["messages"] == 30
    assert found["60"]["purge_of_half"]["inserts_before"] > 1
    assert found["60"]["purge_of_half"]["times_a_bare_delete"] > 0


def test_starts_are_measured_beside_the_libraries_that_they_need(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setattr("sys.argv", ["starting", "--repeats", "1"])
    run.setattr(starting, "STARTS", {name: starting.STARTS[name] for name in (starting.BESIDE, "ledger record")})
    starting.main()
    found = json.loads(capsys.readouterr().out)["starts"]
    assert found[starting.BESIDE]["beside"] == 1.0
    assert found["ledger record"]["processor_seconds"] > 0


def test_the_gateway_is_measured_beside_itself_as_a_plain_proxy(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one_of_each = ["--in-flight", "2", "--waits", "0", "--workers", "1", "--seconds", "0.03"]
    run.setattr("sys.argv", ["gateway", *one_of_each, "--folder", str(tmp_path), *SQLITE])
    run.setattr(gateway, "WARM_UP_SENDS", 4)
    run.setattr(gateway, "AT_LEAST", 4)
    gateway.main()
    (found,) = json.loads(capsys.readouterr().out)["databases"]["sqlite"]["1 workers"].values()
    assert {"direct", "plain", "through"} < set(found)


def test_bulk_recording_is_measured_beside_the_drivers_own_inserts(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--messages", "40", "--recipients", "2", "--repeats", "1"]
    run.setattr("sys.argv", ["recording", *few, "--folder", str(tmp_path), *SQLITE])
    run.setattr(machine, "IMPORTS", ())
    recording.main()
    found = json.loads(capsys.readouterr().out)["databases"]["sqlite"]
    assert found["import"]["messages_per_second"] > 0


def test_every_part_of_the_whole_run_is_there() -> None:
    from importlib import import_module

    from tests.benchmarks.__main__ import PARTS

    assert [part for part in PARTS if not callable(import_module(f"tests.benchmarks.{part}").main)] == []
