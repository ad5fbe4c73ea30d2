"""A day from morning to evening: a seed decides what is done and what goes wrong; in the evening all must be well."""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import TypeVar

from ledger import Ledger
from ledger.errors import NothingEligibleError, WrongStateError
from ledger.simulator import Behaviour
from tests.world import deeds, mischief, truths
from tests.world.databases import Makes
from tests.world.deeds import DEEDS
from tests.world.mischief import MISCHIEF
from tests.world.process import Process
from tests.world.scene import LEASE_SECONDS, Scene
from tests.world.truths import UntrueError, tables

T = TypeVar("T")

STEPS = (6, 30)
# What could not be taken is looked at again, and the clock may have been set.
LEAST_WAIT_SECONDS = 30.0


class Day:
    """One seed's day."""

    is_dead = False

    def __init__(self, seed: int, databases: Makes, *, aloud: bool = False) -> None:
        self.scene = Scene(seed, databases, aloud=aloud)

    def run(self) -> None:
        """Live the day and check it; raise UntrueError."""
        scene = self.scene
        try:
            scene.set_the_scene()
            scene.timeline.spawn("day", self._pass, self)
            scene.timeline.run()
            self._mend()
            truths.check_evening(scene)
            self._repeat_everything()
        finally:
            scene.close()

    def _pass(self) -> None:
        scene, random = self.scene, self.scene.random
        self._begin()
        likely = _mix(random, DEEDS) | {deeds.send: 6, deeds.recall: 18}
        unlikely = _mix(random, MISCHIEF) | {mischief.nothing: 1}
        haste, trouble = random.choice([0.02, 0.2, 1, 1, 3]), random.choice([0.1, 0.3, 0.5])
        for _ in range(random.randint(*STEPS)):
            if random.random() > trouble:
                _draw(random, likely)(scene, random.choice(scene.alive()))
            else:
                _draw(random, unlikely)(scene)
            self._go_on(haste)
        self._let_the_faults_stop()

    def _begin(self) -> None:
        """Have something that can be recalled, and keys that cannot."""
        scene, random = self.scene, self.scene.random
        if random.random() < 0.7:
            mischief.habits(scene)
        for _ in range(random.randint(2, 4)):
            deeds.send(scene, random.choice(scene.alive()))
            self._go_on(1)
        mischief.failing_keys(scene)

    def _go_on(self, haste: float) -> None:
        truths.check_now(self.scene)
        self.scene.timeline.sleep(self._gap() * haste)

    def _gap(self) -> float:
        random = self.scene.random
        return random.choice([0.0, 0.05, 0.5, 2, 2, 10, 30]) * random.random() + random.choice([0] * 19 + [3600])

    def _let_the_faults_stop(self) -> None:
        scene = self.scene
        scene.journal.say("the faults stop")
        scene.weather.chance = scene.trouble.away = scene.trouble.slow_seconds = 0.0
        scene.world._service.scripts.clear()
        habits = scene.world.behaviour
        calm = Behaviour(
            calls_per_second=habits.calls_per_second,
            bad_key=habits.bad_key,
            second_recall=habits.second_recall,
            null_fields=habits.null_fields,
            monthly_quota=None,
            ban_after_calls=None,
        )
        scene.world._service.behaviour = calm
        scene.world._service.tally.silent_left = 0
        for process in scene.processes:
            process.disarm()

    def _mend(self) -> None:
        """Let a healthy process take over what the others left."""
        scene = self.scene
        scene.timeline.spawn("evening", lambda: scene.timeline.sleep(LEASE_SECONDS + 1), self)
        scene.timeline.run()
        for process in scene.processes:
            process.seal()
        healer = scene.add_process()
        deeds.replay(scene, healer)
        scene.timeline.run()
        deeds.record_again(scene, healer)
        scene.timeline.run()
        scene.do(healer, "fix", self._resume_all)
        scene.timeline.run()
        self._keep_watch(healer)

    def _keep_watch(self, worker: Process) -> None:
        """Let a worker that nothing happens to wait for every moment that was set, and tell of what came of it."""
        scene = self.scene
        while True:
            deeds.keep_time(scene, worker)
            scene.timeline.run()
            deeds.tell(scene, worker)
            scene.timeline.run()
            moment = truths.next_moment(scene)
            if moment is None:
                return
            wait = max((moment - scene.timeline.wall.now()).total_seconds(), LEAST_WAIT_SECONDS)
            scene.timeline.spawn(f"watch until {moment}", partial(scene.timeline.sleep, wait), self)
            scene.timeline.run()

    def _resume_all(self, book: Ledger) -> str:
        for result in book.recalls():
            # Whoever runs one recall runs others beside it, so that the next may have ended meanwhile.
            if book.show(result.recall_id).result.status in ("running", "paused"):
                self.scene.journal.say(deeds.detail(book.resume(result.recall_id, actor="zoe")))
        for correction in book.parts.correction_reports.unfinished():
            self.scene.journal.say(f"{book.parts.corrections.resume(correction.id, actor='zoe')}")
        # Calls of cancelled recalls that got lost end when anybody looks at the queue, whatever it is for.
        book.parts.worker().serve_recalls()
        # What was cancelled, and not copied whole, a worker copies every few seconds.
        book.parts.freezer.finish()
        return "all resumed"

    def _repeat_everything(self) -> None:
        """Days later, no command changes anything any more but for the purge, which takes no history along."""
        scene = self.scene
        kept = truths.facts_of_items(scene)
        scene.timeline.spawn("night", lambda: scene.timeline.sleep(3 * 24 * 3600), self)
        scene.timeline.run()
        last = scene.add_process()
        scene.do(last, "purge days later", lambda book: f"{book.purge().purged} gone")
        deeds.tell(scene, last)
        scene.timeline.run()
        truths.check_all_was_heard(scene)
        before = tables(scene)
        scene.do(last, "repeat everything", self._repeat)
        scene.timeline.run()
        truths.check_unchanged(before, tables(scene))
        truths.check_history_kept(scene, kept)

    def _repeat(self, book: Ledger) -> str:
        for result in book.recalls():
            number = result.recall_id
            _expect(partial(book.run, number), WrongStateError, NothingEligibleError)
            _expect(partial(book.resume, number, actor="zoe"), WrongStateError)
            _expect(partial(book.retry, number, actor="zoe"), NothingEligibleError)
            if result.status == "finished":
                _expect(partial(book.cancel, number, actor="zoe"), WrongStateError)
            else:
                book.cancel(number, actor="zoe")
            book.parts.lifecycle.pause(number, why="no reason", actor="zoe")
        purged, proof = book.purge().purged, book.verify()
        if purged or not proof.ok:
            raise UntrueError(f"the second purge took {purged}; {proof}")
        return "nothing changed"


def _mix(random: Random, usual: Mapping[T, int]) -> dict[T, int]:
    """Let a day have more of one thing and nothing of another: what is rare on all days is common on some."""
    return {what: weight * random.choice([0, 1, 1, 5]) for what, weight in usual.items()}


def _draw(random: Random, weights: Mapping[T, int]) -> T:
    return random.choices(list(weights), list(weights.values()))[0]


def _expect(action: Callable[[], object], *errors: type[Exception]) -> None:
    try:
        action()
    except errors:
        return
    raise UntrueError(f"{errors} did not come")
