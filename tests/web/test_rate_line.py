"""The rate line and the story of a recall, as pages draw them."""

from datetime import UTC, datetime, timedelta

from ledger.core.recalls.course import CallsOfSecond
from ledger.core.recalls.recall import Status
from ledger.entrypoints.web.progress_icon import progress_icon
from ledger.entrypoints.web.rate_line import MOST_STEPS, rate_line
from ledger.entrypoints.web.story import story_of
from ledger.entrypoints.web.urgency import urgency

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def made(*counts: int, since: int = 0, throttled: int = 0) -> list[CallsOfSecond]:
    return [
        CallsOfSecond(second=NOW + (since + at) * SECOND, calls=count, throttled=throttled)
        for at, count in enumerate(counts)
    ]


def test_the_line_says_the_average_the_most_and_where_calls_were_thrown_back() -> None:
    line = rate_line([*made(20, 20), *made(2, since=2, throttled=2), *made(10, since=3)], 20)
    assert line is not None
    assert (line.average, line.most, line.throttled_calls) == (13, 20, 2)
    assert line.throttled == [625.0]
    assert line.gaps == []
    assert line.planned == 9.1


def test_a_wait_of_hours_takes_no_room_and_is_marked() -> None:
    line = rate_line([*made(10, 10), *made(10, 10, since=36_000)], 20)
    assert line is not None
    assert line.gaps == [500.0]
    assert line.average == 10


def test_a_short_wait_is_seen_as_nothing_done() -> None:
    line = rate_line([*made(10), *made(10, since=5)], 20)
    assert line is not None
    assert line.gaps == []
    assert line.average == 20 / 6


def test_however_long_a_recall_ran_its_line_is_short() -> None:
    line = rate_line(made(*[20] * 20_000), 20)
    assert line is not None
    assert line.path.count("V") <= MOST_STEPS + 1
    assert line.average == 20


def test_one_second_is_no_line() -> None:
    assert rate_line([], 20) is None
    assert rate_line(made(3), 20) is None


def test_the_story_says_how_long_it_ran_and_stood_still_and_what_goes_on_lasts_until_now() -> None:
    events = [(0, "planned"), (60, "started"), (65, "sticky"), (70, "paused"), (170, "resumed")]
    timeline = [{"at": NOW + at * SECOND, "event": event} for at, event in events]
    story = story_of(timeline, Status.RUNNING, NOW + 200 * SECOND)
    assert [(one.kind, one.seconds) for one in story] == [
        ("wait", 60), ("work", 5), ("work", 5), ("pause", 100), ("work", 30),
    ]  # fmt: skip
    finished = [*timeline, {"at": NOW + 180 * SECOND, "event": "finished"}]
    assert story_of(finished, Status.FINISHED, NOW + 900 * SECOND)[-1].seconds is None


def test_the_icon_shows_how_far_a_recall_is_while_it_goes_on() -> None:
    assert "43%3C/text" in (progress_icon(43, "running") or "")
    assert progress_icon(43, "paused") != progress_icon(43, "running")
    assert progress_icon(100, "finished") is None


def test_ten_minutes_are_red_and_an_hour_is_amber() -> None:
    minutes = [urgency(NOW + timedelta(minutes=number), NOW) for number in (-1, 0, 9, 10, 59, 60)]
    assert minutes == ["", "", "red", "amber", "amber", ""]
