"""Benchmarks stay runnable: tiny ones, on the database that starts at once; nothing is said of how long they take."""

import json
from pathlib import Path

import pytest

from tests.benchmarks import (
    anchoring,
    console,
    gateway,
    growing,
    looking,
    machine,
    planning,
    posting,
    programs,
    purging,
    recalling,
    recording,
    single,
    starting,
    verifying,
    watching,
    working,
)
from tests.benchmarks.__main__ import PARTS

SQLITE = ["--databases", "sqlite"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Let what starts find its spool in a folder of this test."""
    monkeypatch.setenv("LEDGER_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.setattr(purging, "SECONDS_BEFORE", 0.2)
    for module, name, few in ((working, "RECORDS", 4), (working, "TURNS", 2), (working, "MANY", 10)):
        monkeypatch.setattr(module, name, few)
    monkeypatch.setattr(looking, "LOOKS", 1)
    return monkeypatch


def test_recording_one_by_one_is_measured_beside_the_driver(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setattr("sys.argv", ["single", "--messages", "40", "--recipients", "2", "--folder", str(tmp_path), *SQLITE])
    single.main()
    found = json.loads(capsys.readouterr().out)["databases"]["sqlite"]
    assert {"driver, 1 threads", "record, 1 threads", "driver, 16 threads", "record, 16 threads"} <= set(found)
    assert found["record to driver, 1 threads"] > 0


def test_posting_is_measured_beside_recording_from_threads(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setattr("sys.argv", ["posting", "--messages", "40", "--recipients", "2", "--folder", str(tmp_path), *SQLITE])
    run.setattr(posting, "TURNS", 2)
    posting.main()
    found = json.loads(capsys.readouterr().out)["databases"]["sqlite"]
    assert found["posted"]["processor_microseconds"] > 0
    assert found["posted to recorded"] > 0


def test_a_plan_and_its_copies_are_measured_beside_a_bare_copy(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setattr("sys.argv", ["planning", "--sizes", "40", "--recipients", "2", "--folder", str(tmp_path), *SQLITE])
    run.setattr(planning, "_child", lambda step, url: {**planning.STEPS[step](url), "processor_seconds": 1.0})
    planning.main()
    found = json.loads(capsys.readouterr().out)["databases"]["sqlite"]["40"]
    assert found["plan"]["rows_written"]["plan_messages"] == 1
    assert found["plan_to_bare"] == 1.0


def test_a_ledger_that_grows_is_measured_at_each_size(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setattr("sys.argv", ["growing", "--sizes", "80,160", "--recipients", "2", "--folder", str(tmp_path), *SQLITE])
    growing.main()
    found = json.loads(capsys.readouterr().out)["databases"]["sqlite"]
    assert found["80"]["look"]["a person's messages"]["messages"] == 1
    assert [found[size]["recall"]["messages"] for size in ("80", "160")] == [80, 160]
    assert [found[size]["recall"]["calls"] for size in ("80", "160")] == [4, 8]
    assert found["160"]["purge"]["messages"] == 80
    assert found["160"]["purge"]["inserts_before_by_clock"] > 1
    assert {"look: campaigns: ms", "record: one by one: ms", "purge: ms_per_1000"} <= set(found["times_as_much"])


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


def test_what_a_hook_adds_is_measured_beside_the_client_alone(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--sends", "2", "--rounds", "1", "--in-flight", "1", "--libraries", "httpx,sdk"]
    run.setattr("sys.argv", ["watching", *few, "--folder", str(tmp_path), *SQLITE])
    watching.main()
    found = json.loads(capsys.readouterr().out)["databases"]["sqlite"]
    assert (
        {"no_wait", "wait"}
        == set(found["httpx"]["1"]["added_milliseconds"])
        == set(found["sdk"]["1"]["added_milliseconds"])
    )


def test_recalls_are_measured_beside_the_loop_of_the_official_sdk(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setattr("sys.argv", ["recalling", "--quick", "--recipients", "2", "--folder", str(tmp_path), *SQLITE])
    run.setattr(recalling, "RATES_AND_SECONDS", ((20, 3),))
    for name, few in (
        *(("LATENCIES_SECONDS", (0.01,)), ("CONNECTING_SECONDS", (0.02,)), ("PROCESSES", (1,))),
        *(("SELECTED", (40,)), ("HELD", (40,))),
    ):
        run.setattr(recalling, name, few)
    # More than one part of what is copied.
    for name, number in (
        ("QUEUE_RATES", (500,)),
        ("MEASURED_CALLS", 1),
        ("LONG_RECALL", 5 * 1200),
        ("OFFICIAL_CALLS", 6),
    ):
        run.setattr(recalling, name, number)
    recalling.main()
    report = json.loads(capsys.readouterr().out)
    found = report["databases"]["sqlite"]
    assert [one["keys_recalled"] for one in report["official_sdk"]] == [40]
    assert [one["keys_recalled"] for one in found["speed"]] == [1200]
    assert [one["keys_recalled"] for one in found["far_away"]] == [1200]
    assert [one["selected"] for one in found["start"]] == [40]
    assert [one["calls"] for one in found["queue"]["as_a_recall_proceeds"]] == [60]


def test_pages_and_programs_are_measured_on_a_filled_ledger(
    run: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["--messages", "400", "--recalls", "2", "--items-per-recall", "3"]
    run.setattr("sys.argv", ["console", *sizes, "--database", "sqlite"])
    for module, name, few in (
        *((console, "REPEATS", 1), (console, "first_paints", lambda *_: None)),
        *((programs, "SINGLES", 16), (programs, "BULKS", 2), (programs, "LOOKS", 2)),
    ):
        run.setattr(module, name, few)
    console.main()
    found = json.loads(capsys.readouterr().out)["sqlite"]["milliseconds"]
    assert found["pages"]["now"]["cpu p50"] > 0
    assert found["programs"]["history whole, as CSV"]["rows"] == 2 * 3 + 400 // console.CAMPAIGNS


def test_verifying_is_measured_on_a_history_that_holds(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.setattr("sys.argv", ["verifying", "--entries", "16", "--folder", str(tmp_path), *SQLITE])
    run.setattr(verifying, "CALLS_A_RECALL", 5)
    verifying.main()
    assert json.loads(capsys.readouterr().out)["databases"]["sqlite"]["entries"] == 16


def test_appending_and_signing_are_measured(
    run: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--processes", "2", "--seconds", "0.2", "--rounds", "1"]
    run.setattr("sys.argv", ["anchoring", *few, "--folder", str(tmp_path), *SQLITE])
    run.setattr(anchoring, "SECONDS_AFTER", 0.0)
    anchoring.main()
    found = json.loads(capsys.readouterr().out)["databases"]["sqlite"]
    assert found["appending"]["is_one_chain"]
    assert found["recalls"]["with"][0] > 0


def test_every_benchmark_is_a_part_of_the_whole_run_and_runs_here() -> None:
    folder = Path(single.__file__).parent
    commands = {path.stem for path in folder.glob("[a-z]*.py") if "ArgumentParser(" in path.read_text("utf-8")}
    assert commands == set(PARTS)
    assert {name for name in PARTS if not callable(globals()[name].main)} == set()
