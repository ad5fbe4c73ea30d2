"""What must hold, whatever happened: at any moment of a day, in its evening, and days later."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from ledger.clock import parse_time
from ledger.core.access.actors import EXPIRY, SCHEDULE
from ledger.core.notices.notices import OF_HISTORY
from ledger.core.persons.person import is_pseudonym
from ledger.core.recalls.recall import Outcome, Status
from ledger.store.recording import expiring
from ledger.store.schema import correction_sends, corrections, recalls, schedules
from tests.world.deeds import CORRECTED
from tests.world.line import SEND, Arrival
from tests.world.messenger import PLACES
from tests.world.scene import KEY_OF_ROBOT, Scene, Sent

MAY_BE_GONE = {Outcome.RECALLED, Outcome.UNKNOWN, Outcome.PARTIAL}
TABLES = (
    "messages",
    "recalls",
    "plan_messages",
    "recall_items",
    "recall_skips",
    "recall_calls",
    "schedules",
    "corrections",
    "correction_sends",
    "notices",
    "usage",
    "history",
)
SECOND = timedelta(seconds=1)
KEYS_PER_CALL = 20

HELD_TWICE = """
SELECT i.process_query_key, count(*) FROM recall_items i JOIN recalls r ON r.id = i.recall_id
WHERE i.outcome IS NULL AND r.status IN ('running', 'paused') GROUP BY i.message_id, i.process_query_key
HAVING count(*) > 1
"""
UNFINISHED = """
SELECT r.id, r.status, i.process_query_key, i.call_id, i.not_before, i.deadline FROM recall_items i
JOIN recalls r ON r.id = i.recall_id WHERE i.outcome IS NULL AND r.status <> 'planned'
"""

# What never left, or was turned away before it counted, costs no quota.
MADE = """
SELECT count(*) AS calls FROM recall_calls
WHERE verdict NOT IN ('unsent', 'throttled', 'banned') AND coalesce(code, '') <> 'not_sent'
"""


OPEN_SENDS = """
SELECT s.id FROM correction_sends s JOIN corrections c ON c.id = s.correction_id
WHERE s.outcome IS NULL AND c.status <> 'planned'
"""
ATTEMPTS = "SELECT coalesce(sum(attempts), 0) AS sends FROM correction_sends"


class UntrueError(AssertionError):
    """Something that must always hold does not."""


def tables(scene: Scene) -> dict[str, list[Mapping[str, Any]]]:
    """Return everything that the database holds."""
    return {name: scene.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in TABLES}  # noqa: S608


def _hold(found: Iterable[Any], what: str) -> None:
    listed = list(found)
    if listed:
        raise UntrueError(f"{what}: {len(listed)}, such as {listed[:3]}")


def check_now(scene: Scene) -> None:
    """Check what holds between any two transactions."""
    _hold(scene.rows(HELD_TWICE), "messages held by two unfinished recalls")


def check_evening(scene: Scene) -> None:
    """Check what holds once everything was resumed to its end."""
    check_now(scene)
    _hold(scene.rows(UNFINISHED), "items without an outcome")
    _hold(scene.rows("SELECT * FROM recall_calls WHERE finished_at IS NULL"), "calls that never ended")
    _hold(scene.rows("SELECT * FROM recalls WHERE status IN ('running', 'paused')"), "recalls that never ended")
    _check_counts(scene)
    _check_calls(scene.weather.arrivals)
    _check_messages_recorded(scene)
    _check_deadlines(scene)
    _check_outcomes(scene)
    _check_usage(scene)
    _check_schedules(scene)
    _check_vanished(scene)
    _check_corrections(scene)
    if not scene.timeline.jumped_back:
        _check_rate(scene)


def _check_counts(scene: Scene) -> None:
    statement = "SELECT recall_id, count(*) AS items, count(outcome) AS ended FROM recall_items GROUP BY recall_id"
    counted = {row["recall_id"]: row["items"] for row in scene.rows(statement)}
    known = {row["id"]: row for row in scene.rows("SELECT id, status, unfrozen_items, unfrozen_skips FROM recalls")}
    left_out = Counter[int]()
    for entry in scene.entries("left_out"):
        left_out[entry["recall_id"]] += entry["detail"]["messages"]
    wrong = [
        (recall_id, eligible, counted.get(recall_id, 0))
        for recall_id, eligible in scene.planned.items()
        if recall_id in known
        and counted.get(recall_id, 0) + known[recall_id]["unfrozen_items"] + left_out[recall_id] != eligible
    ]
    _hold(wrong, "recalls whose items do not add up to the plan")
    unfrozen = {row["recall_id"] for row in scene.rows("SELECT recall_id FROM plan_messages")}
    left = {one for one, row in known.items() if row["unfrozen_items"] or row["unfrozen_skips"]}
    _hold(unfrozen ^ left, "recalls that have something to freeze and do not know what, or the other way round")
    started = {one for one in left if known[one]["status"] != "planned"}
    _hold(started, "recalls that ended before all of them was frozen")


def _check_calls(arrivals: list[Arrival]) -> None:
    _hold((one for one in arrivals if not 1 <= len(one.keys) <= KEYS_PER_CALL), "calls with too many keys")
    _hold((one for one in arrivals if len(set(one.keys)) < len(one.keys)), "calls with a key twice")


def _check_messages_recorded(scene: Scene) -> None:
    assert not scene.unrecorded
    mixed = [
        one
        for one in scene.weather.arrivals
        for key in one.keys
        if (_sent(scene, key).robot, _sent(scene, key).conversation) != (one.robot, one.conversation)
    ]
    _hold(mixed, "calls with a message of another robot or conversation")
    held = {row["process_query_key"] for row in scene.rows("SELECT process_query_key FROM messages")}
    now, window = scene.timeline.wall.now(), _window(scene)
    standing = {key for key, one in scene.recorded.items() if one.sent_at + window[one.chat.value] > now}
    lost = standing - held
    _hold(lost, "recorded messages that are gone before their deadline")


def _sent(scene: Scene, key: str) -> Sent:
    """Return a message as its sender knows it; a correction that was recalled, as the world does."""
    if key in scene.recorded:
        return scene.recorded[key]
    message = scene.world.message(key)
    if message is None:
        raise UntrueError(f"{key} was never sent")
    return Sent(
        key=key,
        robot=message.robot_code,
        chat=message.chat,
        conversation=message.conversation,
        campaign=None,
        users=message.users,
        sent_at=message.sent_at,
    )


def _window(scene: Scene) -> Mapping[str, timedelta]:
    group = timedelta(hours=scene.settings.group_window_hours)
    return {"one_on_one": timedelta(hours=24), "group": group, "private": group}


def _check_deadlines(scene: Scene) -> None:
    window = _window(scene)
    late = [
        (one.at, key)
        for one in scene.weather.arrivals
        if not one.is_delayed
        for key in one.keys
        if one.at >= _sent(scene, key).sent_at + window[_sent(scene, key).chat.value]
    ]
    _hold(late, "keys asked for after their deadline")


def _check_outcomes(scene: Scene) -> None:
    """Compare what we say with what is true in the world, for the recall whose call did it."""
    done_by = {key: one.recall_id for one in scene.weather.arrivals for key in one.recalled}
    gone = {message.key for message in scene.world.messages() if message.recalled_at is not None}
    items = scene.rows("SELECT recall_id, process_query_key, outcome FROM recall_items WHERE outcome IS NOT NULL")
    _hold(
        (row for row in items if row["outcome"] == Outcome.RECALLED and row["process_query_key"] not in gone),
        "items called recalled whose message stands",
    )
    denied = (
        row
        for row in items
        if done_by.get(row["process_query_key"]) == row["recall_id"] and row["outcome"] not in MAY_BE_GONE
    )
    _hold(denied, "items whose message this very recall has taken back, and that say it stands")


def next_moment(scene: Scene) -> datetime | None:
    """Return the next moment that somebody has set, for a recall or for messages that shall vanish."""
    with scene.database.read() as connection:
        waits = (
            select(func.min(schedules.c.run_at))
            .join(recalls, recalls.c.id == schedules.c.recall_id)
            .where(recalls.c.status == Status.PLANNED)
        )
        found = [connection.scalar(waits), expiring.first_due(connection)]
    return min((moment for moment in found if moment is not None), default=None)


def _check_schedules(scene: Scene) -> None:
    started = Counter(entry["recall_id"] for entry in scene.entries("started"))
    _hold((number for number, times in started.items() if times > 1), "recalls that were started twice")
    moments = {entry["recall_id"]: parse_time(entry["detail"]["at"]) for entry in scene.entries("scheduled")}
    missed = {entry["recall_id"] for entry in scene.entries("schedule_missed")}
    cancelled = {entry["recall_id"] for entry in scene.entries("cancel")}
    waiting = moments.keys() - started.keys() - missed - cancelled
    _hold(waiting, "recalls that were set in advance, and of whose moment nothing came")
    begun = {entry["recall_id"]: entry for entry in scene.entries("started") if entry["actor"] == SCHEDULE}
    if not scene.timeline.jumped_back:
        early = [number for number, entry in begun.items() if entry["at"] < moments[number]]
        _hold(early, "recalls that began before their moment")


def _check_vanished(scene: Scene) -> None:
    """Whatever was to vanish, and could be recalled by then, somebody has tried to recall, and only once by itself."""
    statement = "SELECT process_query_key FROM recall_items i JOIN recalls r ON r.id = i.recall_id"
    tried = {row["process_query_key"] for row in scene.rows(statement)}
    now, window = scene.timeline.wall.now(), _window(scene)
    left = [
        key
        for key, one in scene.recorded.items()
        if one.expires_in is not None and key not in tried and one.sent_at + window[one.chat.value] > now
    ]
    _hold(left, "messages that were to vanish, and that nobody recalled")
    by_itself = Counter(row["process_query_key"] for row in scene.rows(f"{statement} WHERE r.actor = '{EXPIRY}'"))
    _hold((key for key, times in by_itself.items() if times > 1), "messages that two recalls by themselves took")
    wanted = {key for key, one in scene.recorded.items() if one.expires_in is not None}
    _hold(by_itself.keys() - wanted, "messages that vanished and were to stay")


def _check_corrections(scene: Scene) -> None:
    """Nobody gets a correction twice; whoever is said to have it has it, and whoever has it is not said to lack it."""
    _hold(scene.rows("SELECT * FROM corrections WHERE status IN ('running', 'paused')"), "corrections that never ended")
    _hold(scene.rows(OPEN_SENDS), "sends of corrections without an outcome")
    got: dict[int, Counter[str]] = defaultdict(Counter)
    for message in scene.world.messages():
        if message.msg_key == CORRECTED:
            got[int(json.loads(message.msg_param or "")["content"])].update(message.users)
    twice = [(number, user) for number, users in got.items() for user, times in users.items() if times > 1]
    _hold(twice, "people who got a correction twice")
    said: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    with scene.database.read() as connection:
        sends = select(corrections.c.recall_id, correction_sends.c.outcome, correction_sends.c.recipients)
        for number, outcome, users in connection.execute(sends.join_from(correction_sends, corrections)):
            said[number][outcome].update(users)
    for number, outcomes in said.items():
        known = scene.forgotten
        _hold(outcomes["sent"] - got[number].keys() - known - _pseudonyms(outcomes["sent"]), "people said to have it")
        _hold(got[number].keys() - outcomes["sent"] - outcomes["unknown"] - known, "people who have it unsaid")
    _hold(got.keys() - said.keys(), "corrections that nobody made")


def _pseudonyms(users: Iterable[str]) -> set[str]:
    return {user for user in users if is_pseudonym(user)}


def check_all_was_heard(scene: Scene) -> None:
    """Check that whatever people are told of has reached every place, and that nothing waits any more."""
    _hold(scene.rows("SELECT uid, place FROM notices"), "notices that wait for ever")
    _hold(scene.rows("SELECT * FROM notice_places WHERE given_up > 0"), "places that notices were given up for")
    told = [
        (place, f"entry-{entry['id']}")
        for event in OF_HISTORY
        for entry in scene.entries(event)
        if entry["recall_id"] is not None
        for place in PLACES
    ]
    _hold((one for one in told if one not in scene.heard), "what was done and somebody never heard of")


def _check_usage(scene: Scene) -> None:
    statement = "SELECT coalesce(sum(calls), 0) AS calls FROM usage WHERE app <> '(sends)'"
    counted = int(scene.rows(statement)[0]["calls"])
    made = int(scene.rows(MADE)[0]["calls"])
    # A send of a correction counts as the message that it left, and as a call for each attempt that left none.
    attempts = int(scene.rows(ATTEMPTS)[0]["sends"])
    if not made <= counted <= made + attempts:
        raise UntrueError(f"{made} calls and at most {attempts} sends cost quota, {counted} were counted")


def _check_rate(scene: Scene) -> None:
    times: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for one in scene.weather.arrivals:
        if not one.is_delayed:
            times[KEY_OF_ROBOT[one.robot], one.path].append(one.at)
    for letter in scene.weather.letters:
        if not letter.is_delayed:
            times[KEY_OF_ROBOT[letter.robot], SEND].append(letter.at)
    limit = int(scene.settings.calls_per_second)
    crowded = [
        (api, moments[start], moments[start + limit])
        for api, moments in times.items()
        for start in range(len(moments) - limit)
        if moments[start + limit] - moments[start] < SECOND
    ]
    _hold(crowded, f"seconds with more than {limit} calls")


def facts_of_items(scene: Scene) -> Counter[str]:
    """Return how often each key stands in the history."""
    return Counter(row["process_query_key"] for row in scene.rows("SELECT process_query_key FROM recall_items"))


def check_history_kept(scene: Scene, kept: Counter[str]) -> None:
    """Check that the purge took no key's history along; what was planned and never run is none."""
    statement = "SELECT process_query_key FROM recall_items i JOIN recalls r ON r.id = i.recall_id"
    now = Counter(row["process_query_key"] for row in scene.rows(statement))
    ended = Counter(row["process_query_key"] for row in scene.rows(f"{statement} WHERE r.status <> 'planned'"))
    assert ended <= kept
    _hold((now - kept).items(), "items that came from nowhere")


def check_unchanged(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Check that two looks at the database see the same."""
    for name, rows in before.items():
        _hold((row for row in after[name] if row not in rows), f"rows of {name} that were not there, or changed")
        _hold((row for row in rows if row not in after[name]), f"rows of {name} that are gone")
