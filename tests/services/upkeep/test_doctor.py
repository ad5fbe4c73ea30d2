"""The check-up: what it finds well, what it finds amiss, and what it says to do."""

from datetime import timedelta
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.access.roles import Role
from ledger.core.check_up import Check, Level
from ledger.entrypoints.process.attention import troubles
from ledger.services.upkeep.chores import HEARTBEAT, HEARTBEAT_EVERY, Chore, Chores
from ledger.simulator import World
from ledger.store import migrate
from tests.conftest import MakeLedger
from tests.outages import away
from tests.sending import send


def found(book: Ledger, name: str) -> Check:
    """Return what the check-up found of one thing."""
    (check,) = [check for check in book.doctor().checks if check.name == name]
    return check


def beat(book: Ledger) -> None:
    """Let a worker show that it lives."""
    chore = Chore(name=HEARTBEAT, every=HEARTBEAT_EVERY, lease=timedelta(seconds=5), action=lambda: None)
    parts = book.parts
    assert Chores(parts.database, parts.clock, "a worker", parts.pace_clock.seen).do(chore)


def test_the_doctor_finds_a_healthy_ledger_healthy(book: Ledger, world: World) -> None:
    send(book, world, 1)
    found = {check.name: check for check in book.doctor().checks}
    assert set(found) == {
        *("settings", "database", "spool", "privacy", "worker", "quota", "recipients", "robots", "tokens", "proxy"),
        *("credentials", "permission", "clock", "audit", "history", "notices", "packing", "events"),
    }
    assert all(check.ok for check in found.values())
    assert [name for name, check in found.items() if check.level is Level.WARNING] == ["worker"]


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        ({"permission_missing": True}, "permission", "qyapi_robot_sendmsg"),
        ({"ip_refused": True}, "permission", "address"),
    ],
)
def test_the_doctor_says_what_to_fix(
    book: Ledger, world: World, change: dict[str, object], name: str, says: str
) -> None:
    send(book, world, 1)
    world.change(**change)
    checked = book.doctor()
    bad = [check for check in checked.checks if not check.ok]
    assert not checked.ok
    assert [check.name for check in bad] == [name]
    assert says in bad[0].found


def test_the_doctor_sees_wrong_credentials_and_a_wrong_clock(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    world.configure(apps={"dingapp": "another-secret"})
    (bad,) = [check for check in make_ledger().doctor().checks if not check.ok]
    assert bad.name == "credentials"
    assert "LEDGER_APP_SECRET" in bad.found
    world.configure(apps={"dingapp": "a-long-secret-of-the-app"})
    book = make_ledger()
    send(book, world, 1)
    world.now = lambda: clock.now() + timedelta(minutes=2)
    (skewed,) = [check for check in book.doctor().checks if not check.ok]
    assert (skewed.name, "120 s behind" in skewed.found) == ("clock", True)


def test_a_database_that_is_away_is_named_and_the_other_checks_still_run(make_ledger: MakeLedger, world: World) -> None:
    app = {"robots": ["robot-1"], "app_key": "dingapp", "app_secret": "a-long-secret-of-the-app"}
    book = make_ledger(apps={"mail": app}, app_key=None)
    send(book, world, 1)
    with away(book):
        checks = {check.name: check for check in book.doctor().checks}
    assert [name for name, check in checks.items() if not check.ok] == ["database"]
    assert set(checks) >= {"spool", "credentials", "permission", "clock"}
    assert (checks["worker"].level, "not looked at" in checks["worker"].found) == (Level.WARNING, True)


def test_old_tables_are_amiss_with_the_command_that_mends_them(book: Ledger) -> None:
    migrate.downgrade(book.parts.database, "0002")
    check = found(book, "database")
    assert (check.ok, "ledger db upgrade" in check.found) == (False, True)


def test_a_worker_that_lives_is_well_and_none_at_all_is_a_remark(book: Ledger, clock: FakeClock) -> None:
    assert found(book, "worker").level is Level.WARNING
    beat(book)
    clock.advance(timedelta(seconds=4))
    assert (found(book, "worker").level, found(book, "worker").found) == (Level.OK, "seen 4 s ago")
    clock.advance(timedelta(minutes=3))
    assert found(book, "worker").level is Level.WARNING


def test_running_and_sticky_recalls_that_nobody_works_on_are_amiss(book: Ledger, world: World) -> None:
    send(book, world, 1)
    plan = book.plan(campaign="spring", reason="typo")
    book.run(plan)
    book.parts.sticky.stick(plan.recall_id, 3600, actor="tester")
    assert "sticky" in found(book, "worker").found
    book.parts.sticky.unstick(plan.recall_id, actor="tester")
    send(book, world, 1, campaign="other")
    book.parts.lifecycle.start(book.plan(campaign="other", reason="typo").recall_id)
    check = found(book, "worker")
    assert (check.ok, "ledger resume 2" in check.found) == (False, True)
    beat(book)
    assert found(book, "worker").ok


@pytest.mark.parametrize(("monthly", "level"), [(100, Level.OK), (10, Level.WARNING), (9, Level.FAILED)])
def test_the_quota_is_looked_at(make_ledger: MakeLedger, world: World, monthly: int, level: Level) -> None:
    book = make_ledger(monthly_calls=monthly)
    send(book, world, 9)
    assert found(book, "quota").level is level


def test_what_the_check_up_itself_asks_of_dingtalk_is_counted(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger()
    assert found(book, "quota").facts["used_calls"] == 0
    assert found(book, "quota").facts["used_calls"] == 0, "without a robot it asks nothing that counts"
    send(book, world, 1)
    assert found(book, "quota").facts["used_calls"] == 1
    assert found(book, "quota").facts["used_calls"] == 2


def test_a_check_up_that_dingtalk_throws_back_costs_nothing(book: Ledger, world: World) -> None:
    send(book, world, 1)
    world.change(calls_per_second=0)
    assert [found(book, "quota").facts["used_calls"] for _ in range(2)] == [1, 1]


def test_a_service_for_others_without_tokens_is_amiss(make_ledger: MakeLedger) -> None:
    assert found(make_ledger(), "tokens").ok
    book = make_ledger(allowed_hosts=("ledger.example",))
    assert "ledger token create" in found(book, "tokens").found
    book.parts.service_tokens.create("ann", Role.ADMIN, actor="tester")
    assert found(book, "tokens").ok
    book.parts.service_tokens.revoke("ann", actor="tester")
    assert not found(book, "tokens").ok


def test_what_waits_in_the_spool_is_counted(book: Ledger, clock: FakeClock) -> None:
    with away(book):
        book.record(process_query_key="k", robot_code="r", sent_at=clock.now())
        assert "bytes wait in 1 file," in found(book, "spool").found


def test_a_spool_that_cannot_be_written_is_amiss(make_ledger: MakeLedger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    check = found(make_ledger(spool_dir=tmp_path / "file"), "spool")
    assert (check.ok, "LEDGER_SPOOL_DIR" in check.found) == (False, True)


@pytest.mark.parametrize("has_second", [True, False])
def test_what_waits_in_a_folder_of_need_is_named_with_the_folder_and_what_to_do(
    make_ledger: MakeLedger, clock: FakeClock, tmp_path: Path, has_second: bool
) -> None:
    second = {"spool_fallback_dir": tmp_path / "second"} if has_second else {}
    book = make_ledger(spool_dir=tmp_path / "spool", **second)
    (tmp_path / "spool").write_text("in the way")
    with away(book):
        book.record(process_query_key="k", robot_code="r", sent_at=clock.now())
        (tmp_path / "spool").unlink()
        check = found(book, "spool")
        assert (check.level, "ledger campaigns" in check.found) == (Level.WARNING, True)
        assert f"all of them in {tmp_path / ('second' if has_second else 'dingtalk-ledger-')}" in check.found
        depth = book.parts.recorder.depth()
        assert depth.fallback_bytes == depth.bytes > 0
    book.campaigns()
    assert found(book, "spool").level is Level.OK


def test_a_second_folder_that_cannot_be_written_is_found_before_it_is_needed(
    make_ledger: MakeLedger, tmp_path: Path
) -> None:
    (tmp_path / "second").write_text("in the way")
    check = found(make_ledger(spool_fallback_dir=tmp_path / "second"), "spool")
    assert (check.level, "LEDGER_SPOOL_FALLBACK_DIR" in check.found) == (Level.WARNING, True)


def test_recorded_messages_of_robots_that_no_app_has_are_named_and_nothing_else_suffers(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    app = {"robots": ["robot-1"], "app_key": "dingapp", "app_secret": "a-long-secret-of-the-app"}
    book = make_ledger(apps={"mail": app}, app_key=None)
    send(book, world, 2, robot="robot-1")
    assert found(book, "robots").level is Level.OK
    send(book, world, 3, robot="a stranger")
    send(book, world, 1, robot="another")
    check = found(book, "robots")
    assert check.level is Level.WARNING
    assert "4 messages of robots of no app cannot be recalled (a stranger 3, another 1): add each to" in check.found
    assert book.parts.figures.read().counted.unconfigured == 4
    assert found(book, "permission").ok
    clock.advance(timedelta(hours=25))
    assert found(book, "robots").level is Level.OK, "what is past its deadline is nobody's trouble any more"


def test_an_app_for_every_robot_leaves_none_without(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger()
    send(book, world, 3, robot="a stranger")
    assert found(book, "robots").level is Level.OK


def test_where_settings_come_from_is_said_without_their_values(
    book: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert found(book, "settings").found == "no file (LEDGER_CONFIG is not set), no LEDGER_ variables"
    monkeypatch.setenv("LEDGER_CONFIG", str(tmp_path / "ledger.toml"))
    monkeypatch.setenv("LEDGER_APP_SECRET", "hush")
    assert found(book, "settings").found == f"the file {tmp_path / 'ledger.toml'}, 1 LEDGER_ variable"


def test_a_sender_of_one_user_a_call_is_told_what_packing_saves(book: Ledger, world: World) -> None:
    send(book, world, 150)
    checks = {check.name: check for check in book.doctor().checks}
    assert checks["packing"].level is Level.WARNING
    assert "messages without a source, 8 sends instead of 150" in checks["packing"].found
    assert checks["packing"].found.endswith("1 call instead of 8")
    (trouble,) = [one for one in troubles(book.parts) if one.name == "packing_of_any"]
    assert (trouble.values["sends"], trouble.values["packed_sends"], trouble.values["calls"]) == (150, 8, 8)
