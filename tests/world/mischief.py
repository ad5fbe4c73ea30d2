"""What goes wrong in a day beside the line: DingTalk changes its mind, clocks are set, processes are killed."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import update

from ledger.simulator import BadKey, BanForm, FailedReason, SecondRecall
from ledger.store.schema import correction_sends, recall_calls
from tests.world.process import Process, name_of_the_dead
from tests.world.scene import CALM, Scene

REASONS = ("SYSTEM_ERROR", "notRevoke.all.messages", "robot.processQueryKey.expired", "不允许撤回", "message recalled")


def habits(scene: Scene) -> None:
    """Let DingTalk have other habits where its documentation leaves a choice."""
    random = scene.random
    _change(
        scene,
        bad_key=random.choice(list(BadKey)),
        second_recall=random.choice(list(SecondRecall)),
        null_fields=random.random() < 0.5,
        capitalised_error_fields=random.random() < 0.3,
        not_ready_seconds=random.choice([0, 0, 5, 40]),
        not_ready_code=random.choice(["invalid.processQueryKey", "processQueryKey.expireTime"]),
        last_instant_counts=random.random() < 0.5,
        token_seconds=random.choice([7200, 310, 5]),
        token_renews_itself=random.random() < 0.5,
        silent_keys_are_recalled=random.random() < 0.5,
        latency_seconds=random.choice([0.0, 0.0, 0.3]),
        group_recall_window_seconds=random.choice([None, 24 * 3600.0, 2 * 3600.0]),
    )


def failing_keys(scene: Scene) -> None:
    """Let some keys fail with a reason, for ever or a few times."""
    random = scene.random
    keys = sorted(scene.recorded)
    chosen = random.sample(keys, int(len(keys) * random.choice([0, 0.05, 0.2, 0.5])))
    reasons = {key: FailedReason(reason=random.choice(REASONS), times=random.choice([1, 2, None])) for key in chosen}
    silent = random.sample(keys, min(len(keys), random.choice([0, 0, 3])))
    _change(scene, failed_reasons=reasons, silent_keys=silent)


def obstacle(scene: Scene) -> None:
    """Let DingTalk refuse everything until somebody fixes something, which takes a while."""
    random = scene.random
    quota = sum(month["used"] for month in scene.world.counts()["quota_used"]) + random.choice([0, 3])
    name, value = random.choice(
        [("permission_missing", True), ("ip_refused", True), ("monthly_quota", quota), ("refuse_tokens", True)]
    )
    _change(scene, **{name: value})
    seconds = random.choice([0.5, 20, 600])

    def fix() -> None:
        scene.timeline.sleep(seconds)
        _change(scene, **{name: getattr(CALM, name)})

    scene.timeline.spawn(f"fix {name} {random.random()}", fix, _Nobody())


def ban(scene: Scene) -> None:
    """Shut addresses out that call more often than DingTalk likes today; seldom, since it takes long."""
    if scene.random.random() < 0.15:
        form = scene.random.choice(list(BanForm))
        _change(scene, ban_after_calls=6, ban_window_seconds=2.0, ban_seconds=60.0, ban_form=form)
    else:
        _change(scene, ban_after_calls=None)


def end_tokens(scene: Scene) -> None:
    """End every token before its time."""
    scene.journal.say(f"{scene.world.revoke_tokens()} tokens end")


def new_weather(scene: Scene) -> None:
    """Let the line be better, or worse."""
    scene.choose_weather()
    scene.journal.say(f"weather: {scene.weather.chance} of {scene.weather.kinds}, {scene.weather.slow_seconds} s")


def set_clock(scene: Scene) -> None:
    """Set the clock a little forward or back."""
    seconds = scene.random.choice([-40, -3, -0.2, 0.2, 3, 40])
    scene.timeline.set_wall(timedelta(seconds=seconds))
    scene.journal.say(f"the clock is set by {seconds} s")


def nothing(_scene: Scene) -> None:
    """Let all go well for once."""


def kill(scene: Scene) -> None:
    """Let a process die soon; perhaps others of its machine can see that it is gone."""
    process = scene.random.choice(scene.alive())
    scene.kills += 1
    process.kill_after(scene.random.choice([1, 3, 10, 30]))
    if scene.random.random() < 0.4:
        scene.timeline.spawn(f"find {process.name} {scene.kills}", lambda: _show_death(scene, process), _Nobody())


def _show_death(scene: Scene, process: Process) -> None:
    scene.timeline.sleep(5)
    if process.is_dead:
        # Who made a call that has ended is a fact that the history holds.
        owner = process.ledger.parts.lifecycle._runner._claimer._owner
        mine = (recall_calls.c.owner == owner) & recall_calls.c.finished_at.is_(None)
        with scene.database.write() as connection:
            connection.execute(update(recall_calls).where(mine).values(owner=name_of_the_dead(scene.kills)))
            mine = (correction_sends.c.owner == owner) & correction_sends.c.finished_at.is_(None)
            connection.execute(update(correction_sends).where(mine).values(owner=name_of_the_dead(scene.kills)))
        scene.journal.say(f"{process.name} is seen to be dead")


class _Nobody:
    """Who belongs to no process, and cannot be killed."""

    is_dead = False


def _change(scene: Scene, **fields: object) -> None:
    scene.world.change(**fields)
    scene.journal.say(f"DingTalk: {fields}")


MISCHIEF: Mapping[Callable[[Scene], None], int] = {
    habits: 3,
    failing_keys: 3,
    obstacle: 2,
    ban: 1,
    end_tokens: 1,
    new_weather: 3,
    set_clock: 1,
    kill: 4,
}
