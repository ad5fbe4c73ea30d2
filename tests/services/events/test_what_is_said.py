"""How the connections stand is said to whoever asks: the doctor, Health, and places that hear of notices."""

import sys
from datetime import timedelta

import pytest

from ledger.clock import FakeClock
from ledger.core.check_up import Check, Level
from ledger.core.events.stream_state import GONE_AFTER
from ledger.core.notices.notice_texts import text_of
from ledger.notice_events import NoticeEvent
from ledger.services.notices.conditions import conditions
from ledger.simulator import World
from tests.conftest import MakeLedger
from tests.services.events.conftest import Listen, Listening, acked, events
from tests.services.events.test_listening import READ, eventually_says


def events_check(ledger: Listening) -> Check:
    ledger.stream.look()
    (check,) = [one for one in ledger.book.doctor().checks if one.name == "events"]
    return check


def test_who_does_not_listen_is_told_how_and_is_well(make_ledger: MakeLedger) -> None:
    (check,) = [one for one in make_ledger().doctor().checks if one.name == "events"]
    assert (check.level, "LEDGER_STREAM=on" in check.found) == (Level.OK, True)


def test_a_held_connection_is_well_and_says_what_it_has_used(listen: Listen, pushing: World) -> None:
    ledger = listen()
    pushing.push_event(READ, "k", "ann")
    assert pushing.wait_for_stream(acked)
    events(ledger.book)
    check = events_check(ledger)
    assert (check.level, check.found) == (
        Level.OK,
        "1 of the 2,700 pushes that may be used of the month are, by 1 connection",
    )


def test_nobody_who_listens_is_a_failure(listen: Listen, clock: FakeClock) -> None:
    ledger = listen()
    events_check(ledger)
    clock.advance(GONE_AFTER + timedelta(seconds=1))
    (check,) = [one for one in ledger.book.doctor().checks if one.name == "events"]
    assert (check.level, "nobody listens: start `ledger worker`" in check.found) == (Level.FAILED, True)


def test_an_app_that_is_not_heard_is_named_with_why(listen: Listen, pushing: World) -> None:
    apps = {
        "mail": {"robots": ["m"], "app_key": "mail", "app_secret": "a-long-secret"},
        "news": {"robots": ["n"], "app_key": "news", "app_secret": "another secret"},
    }
    pushing.configure(apps={"mail": "a-long-secret", "news": "changed since"})
    ledger = listen(apps=apps, app_key=None, app_secret=None)
    assert pushing.wait_for_stream(lambda _: sorted(ledger.standings) == ["connected", "refused"])
    check = events_check(ledger)
    assert check.level is Level.FAILED
    assert "no events of app news: DingTalk gives app 'news' no Stream connection (authFailed" in check.found
    assert "another secret" not in check.found


def test_without_the_package_it_names_the_extra(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = listen()
    monkeypatch.setitem(sys.modules, "websockets", None)
    assert "pip install 'dingtalk-ledger[stream]'" in events_check(ledger).found


def test_used_up_pushes_are_a_warning_and_somebody_hears_of_them_once_a_month(
    listen: Listen, pushing: World, clock: FakeClock
) -> None:
    ledger = listen(stream_monthly_events=1)
    pushing.push_event(READ, "k", "ann")
    eventually_says(ledger, "used_up")
    events(ledger.book)
    assert events_check(ledger).level is Level.WARNING
    depth = ledger.book.parts.recorder.depth()
    with ledger.book.parts.database.read() as connection:
        found = {
            one.event: one
            for one in conditions(connection, ledger.book.settings, clock.now(), depth, {})
            if one.told is not None
        }
    assert found[NoticeEvent.EVENTS].told == "2026-03"
    for language in ("en", "zh"):
        assert "1" in text_of(NoticeEvent.EVENTS, found[NoticeEvent.EVENTS].facts, language).body


def test_a_process_that_stops_says_so_at_once(listen: Listen) -> None:
    ledger = listen()
    assert events_check(ledger).level is Level.OK
    ledger.stream.stop()
    (check,) = [one for one in ledger.book.doctor().checks if one.name == "events"]
    assert "nobody listens" in check.found
