"""What people and programs do with a ledger in a day: send and record, plan and run, pause, cancel, retry, purge."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from random import Random
from typing import Any

from ledger import Ledger
from ledger.core.corrections.correction_text import read_text
from ledger.core.recalls.recall import Plan, Result
from ledger.simulator import Chat, Message
from tests.world.process import Process
from tests.world.scene import KEY_OF_ROBOT, ROBOTS, Scene, Sent

CAMPAIGNS = ("spring", "spring", "summer", None)
USERS = tuple(f"user-{number}" for number in range(8))
CONVERSATIONS = ("cid-1", "cid-2")
CHATS = (Chat.ONE_ON_ONE, Chat.ONE_ON_ONE, Chat.ONE_ON_ONE, Chat.GROUP, Chat.PRIVATE)
DAY = timedelta(hours=24)
CORRECTED = "sampleText"


class Stopped(Exception):  # noqa: N818 - no error: somebody wants to stop
    """Ctrl-C was pressed."""


def send(scene: Scene, process: Process) -> None:
    """Send some messages alike, now or a while ago, and record them; a few keys are of no message."""
    random = scene.random
    count = random.choice([1, 3, 10, 30, 70])
    messages = _messages(scene, count)
    known = [one for one in messages if random.random() > 0.02]
    scene.world.seed_messages(_message(one) for one in known)
    _record(scene, process, messages)


def record_again(scene: Scene, process: Process) -> None:
    """Record what could not be recorded, and something that was."""
    again = list(scene.recorded.values())
    again = scene.random.sample(again, min(len(again), 3))
    _record(scene, process, scene.unrecorded + again)


def _record(scene: Scene, process: Process, messages: list[Sent]) -> None:
    scene.unrecorded = [*scene.unrecorded, *(one for one in messages if one not in scene.unrecorded)]

    def deed(book: Ledger) -> str:
        imported = book.record_many(one.row() for one in messages)
        assert imported.rejected == (), imported.rejected
        assert imported.recorded + imported.duplicates + imported.spooled == len(messages), imported
        scene.recorded.update((one.key, one) for one in messages)
        scene.unrecorded = [one for one in scene.unrecorded if one not in messages]
        process.seal()
        return f"{imported.recorded} new, {imported.spooled} in the spool"

    scene.do(process, f"record {len(messages)}", deed)


def replay(scene: Scene, process: Process) -> None:
    """Take in what had to wait in the spool."""
    scene.do(process, "replay", lambda book: f"{book.parts.recorder.replay()}")


def _messages(scene: Scene, count: int) -> list[Sent]:
    random = scene.random
    chat, robot, campaign = random.choice(CHATS), random.choice(ROBOTS), random.choice(CAMPAIGNS)
    conversation = None if chat is Chat.ONE_ON_ONE else random.choice(CONVERSATIONS)
    sent_at = scene.timeline.wall.now() - _ago(random)
    expires_in = random.choice([None, None, None, 1.0, 60.0, 7200.0, 80_000.0])
    return [
        Sent(
            key=key,
            robot=robot,
            chat=chat,
            conversation=conversation,
            campaign=campaign,
            users=() if conversation else tuple(random.sample(USERS, random.choice([1, 1, 2, 4]))),
            sent_at=sent_at - timedelta(seconds=random.choice([0, 0.001, 1, 30]) * number),
            expires_in=expires_in,
        )
        for number, key in enumerate(scene.world.make_keys(count))
    ]


def _ago(random: Random) -> timedelta:
    kind = random.random()
    if kind < 0.4:
        return timedelta(seconds=random.uniform(0, 120))
    if kind < 0.8:
        return timedelta(hours=random.uniform(0, 20))
    if kind < 0.95:
        return DAY - timedelta(seconds=random.choice([1, 10, 60, 300]) * random.random())
    return DAY + timedelta(hours=1)


def _message(one: Sent) -> Message:
    return Message(
        key=one.key,
        robot_code=one.robot,
        sent_at=one.sent_at,
        chat=one.chat,
        users=one.users,
        conversation=one.conversation,
        app=KEY_OF_ROBOT[one.robot],
    )


def recall(scene: Scene, process: Process) -> None:
    """Plan, think about it, and run it, perhaps in another process, perhaps until somebody has enough."""
    random = scene.random
    selection = _selection(scene)
    thinks = random.choice([0, 0, 0, 1, 5, 30, 1000])
    is_handed_over, is_corrected, looks = random.random() < 0.3, random.random() < 0.8, _patience(random)

    def deed(book: Ledger) -> str:
        plan = book.plan(reason="wrong link", actor="ann", **selection)
        scene.planned[plan.recall_id] = plan.eligible
        scene.journal.say(f"recall {plan.recall_id} of {plan.eligible} planned: {selection}")
        scene.timeline.sleep(thinks)
        if is_handed_over:
            start(scene, random.choice(scene.alive()), plan)
            return "handed over"
        said = _watched(book, plan.recall_id, lambda tell: book.run(plan, on_progress=tell), looks)
        if is_corrected:
            _correct(scene, random.choice(scene.alive()), plan.recall_id)
        return said

    scene.do(process, "recall", deed)


def set_in_advance(scene: Scene, process: Process) -> None:
    """Plan now what shall be recalled later."""
    selection, wait = _selection(scene), timedelta(seconds=scene.random.choice([0.5, 30, 600, 7200]))

    def deed(book: Ledger) -> str:
        plan = book.plan(reason="wrong link", actor="ann", **selection)
        scene.planned[plan.recall_id] = plan.eligible
        moment = scene.timeline.wall.now() + wait
        book.parts.schedules.set(plan.recall_id, moment, actor="ann")
        return f"recall {plan.recall_id} of {plan.eligible} waits until {moment}: {selection}"

    scene.do(process, "set a recall in advance", deed)


def keep_time(scene: Scene, process: Process) -> None:
    """Start what is due, as a worker does each second, and serve it."""
    scene.do(process, "keep time", _kept_time)


def _kept_time(book: Ledger) -> None:
    worker = book.parts.worker()
    worker.start_scheduled()
    worker.recall_expiring()
    worker.serve_recalls()
    worker.serve_corrections()


def correct(scene: Scene, process: Process) -> None:
    """Send the right message to those from whom some recall took the wrong one, perhaps a second time."""
    ended = [row["id"] for row in scene.rows("SELECT id FROM recalls WHERE status = 'finished' ORDER BY id")]
    if ended:
        _correct(scene, process, scene.random.choice(ended))


def _correct(scene: Scene, process: Process, recall_id: int) -> None:
    text = read_text(CORRECTED, json.dumps({"content": str(recall_id)}))

    def deed(book: Ledger) -> str:
        plan = book.parts.correction_planner.plan(recall_id, text, reason="the right link", actor="ann")
        return f"{book.parts.corrections.run(plan.correction_id, actor='ann')}"

    scene.do(process, f"correct {recall_id}", deed)


def tell(scene: Scene, process: Process) -> None:
    """Let people hear of what was done."""
    scene.do(process, "tell", lambda book: book.parts.notifier.run_once())


def start(scene: Scene, process: Process, plan: Plan) -> None:
    """Run a plan that was made elsewhere."""
    scene.do(process, f"run {plan.recall_id}", lambda book: detail(book.run(plan.recall_id)))


def _patience(random: Random) -> int | None:
    return random.randint(1, 6) if random.random() < 0.15 else None


def _watched(
    book: Ledger, recall_id: int, work: Callable[[Callable[[Result], None]], Result], looks: int | None
) -> str:
    """Run under somebody's eyes, who stops it after so many looks."""
    seen = 0

    def tell(result: Result) -> None:
        nonlocal seen
        seen += 1
        assert outcomes_of(result) + result.pending == result.eligible, result
        if looks is not None and seen >= looks:
            raise Stopped

    try:
        return detail(work(tell))
    except Stopped:
        return detail(book.parts.lifecycle.pause(recall_id, why="interrupted", actor="ann"))


def _selection(scene: Scene) -> dict[str, Any]:
    random = scene.random
    kind, now = random.random(), scene.timeline.wall.now()
    if kind < 0.5:
        return {"campaign": random.choice(["spring", "spring", "summer"])}
    if kind < 0.65:
        return {"users": random.sample(USERS, random.choice([1, 3])), "include_shared": random.random() < 0.5}
    if kind < 0.8:
        return {"robot": random.choice(ROBOTS)}
    if kind < 0.9:
        return {"since": now - timedelta(hours=random.uniform(0, 30)), "campaign": "spring"}
    keys = sorted(scene.recorded)
    return {"keys": random.sample(keys, min(len(keys), 25)) or ["nothing"]}


def detail(result: Result) -> str:
    """Return a result in a few words."""
    parts = {name: count for name, count in vars_of(result).items() if count}
    return f"recall {result.recall_id} {result.status} {parts} {result.error or ''}"


def vars_of(result: Result) -> Mapping[str, int]:
    """Return the counts of a result."""
    names = ("recalled", "refused", "partial", "expired", "unknown", "cancelled", "pending", "calls")
    return {name: getattr(result, name) for name in names}


def outcomes_of(result: Result) -> int:
    """Return how many items have ended."""
    counts = vars_of(result)
    return sum(counts.values()) - counts["pending"] - counts["calls"]


def _of_some_recall(name: str, fitting: str, work: Callable[[Ledger, int], Result]) -> Callable[[Scene, Process], None]:
    """Do something to a recall: mostly to one to which it can be done."""

    def deed(scene: Scene, process: Process) -> None:
        known = sorted(scene.planned)[-4:]
        chosen = [row["id"] for row in scene.rows(f"SELECT id FROM recalls WHERE {fitting} ORDER BY id")]  # noqa: S608
        if scene.random.random() < 0.2 or not chosen:
            chosen = known
        if chosen:
            recall_id = scene.random.choice(chosen)
            scene.do(process, f"{name} {recall_id}", lambda book: detail(work(book, recall_id)))

    return deed


_ASKED_IN_VAIN = "id IN (SELECT recall_id FROM recall_items WHERE outcome IN ('refused', 'partial', 'unknown'))"
_HAS_RUN = "status IN ('running', 'finished')"
_AT_WORK = "status = 'running'"
_UNFINISHED = "status IN ('running', 'paused')"
pause = _of_some_recall(
    "pause", _AT_WORK, lambda book, number: book.parts.lifecycle.pause(number, why="wait", actor="bob")
)
cancel = _of_some_recall("cancel", _UNFINISHED, lambda book, number: book.cancel(number, actor="bob"))
resume = _of_some_recall("resume", _UNFINISHED, lambda book, number: book.resume(number, actor="bob"))
retry = _of_some_recall("retry", _ASKED_IN_VAIN, lambda book, number: book.retry(number, actor="bob"))
run_again = _of_some_recall("run", "status = 'planned'", lambda book, number: book.run(number))


stick = _of_some_recall("stick", _HAS_RUN, lambda book, number: book.parts.sticky.stick(number, 3600, actor="bob"))


def follow(scene: Scene, process: Process) -> None:
    """Recall what arrived late for sticky recalls, as a worker does, and serve what that started."""

    def deed(book: Ledger) -> None:
        worker = book.parts.worker()
        worker.follow_sticky()
        worker.serve_recalls()

    scene.do(process, "follow", deed)


def purge(scene: Scene, process: Process) -> None:
    """Delete what is past its window."""
    scene.do(process, "purge", lambda book: f"{book.purge().purged} gone")


def forget(scene: Scene, process: Process) -> None:
    """Erase somebody, unless a recall is at their messages."""
    user = scene.random.choice(USERS)
    scene.forgotten.add(user)
    scene.do(
        process,
        f"forget {user}",
        lambda book: f"{book.parts.person_eraser.erase(user, reason='asked', actor='bob').person}",
    )


def look(scene: Scene, process: Process) -> None:
    """Read everything."""

    def deed(book: Ledger) -> str:
        for result in book.recalls():
            assert outcomes_of(result) + result.pending == result.eligible, result
        items, campaigns, proof = len(list(book.history())), len(book.campaigns()), book.verify()
        assert proof.ok, proof
        return f"{items} items, {campaigns} campaigns, {proof.entries} entries"

    scene.do(process, "look", deed)


def serve(scene: Scene, process: Process) -> None:
    """Work as a worker does: on every running recall, until none is left."""
    scene.do(process, "serve", lambda book: book.parts.worker().serve_recalls())


DEEDS: Mapping[Callable[[Scene, Process], None], int] = {
    send: 6,
    record_again: 1,
    replay: 1,
    recall: 10,
    pause: 1,
    cancel: 2,
    resume: 3,
    retry: 5,
    run_again: 1,
    purge: 1,
    look: 1,
    serve: 1,
    stick: 2,
    follow: 3,
    forget: 1,
    set_in_advance: 3,
    keep_time: 3,
    correct: 5,
    tell: 2,
}
