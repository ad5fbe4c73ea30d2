"""Workers that are killed while somebody takes a notice: all is heard of, and what comes twice is known by its id."""

import json
from collections import Counter

from sqlalchemy import Table, func, select, update

from ledger.store.schema import notice_marks, notices
from tests.forked_command import ForkedCommand
from tests.processes.conftest import MakeStage, Stage, wait_until
from tests.receiver import Receiver, receiving

SECRET = "whsec_" + "c2VjcmV0" * 6
RECALLS, KILLS = 6, 3


def test_killed_over_a_notice_workers_lose_none_and_what_comes_twice_has_one_id(make_stage: MakeStage) -> None:
    stage = make_stage()
    with receiving() as receiver:
        workers, killed = [_worker(stage, receiver)], list[str]()
        wait_until(lambda: _count(stage, notice_marks) > 0)

        def taken(_body: bytes) -> bytes:
            told = receiver.headers[-1]["webhook-id"]
            if len(killed) < KILLS and told not in killed:
                # It has told, and dies before it has written that down.
                killed.append(told)
                workers[-1].kill()
            return b""

        receiver.answers = taken
        numbers = {_recalled(stage, f"campaign-{number}") for number in range(RECALLS)}
        while _heard(receiver) != numbers or _count(stage, notices):
            if workers[-1].poll() is not None:
                _let_leases_end(stage)
                workers.append(_worker(stage, receiver))
            wait_until(lambda: workers[-1].poll() is not None or not _count(stage, notices))

    by_id = Counter(headers["webhook-id"] for headers in receiver.headers)
    assert len(killed) == KILLS
    assert by_id == Counter({told: 2 if told in killed else 1 for told in by_id})
    assert len(by_id) == RECALLS


def _worker(stage: Stage, receiver: Receiver) -> ForkedCommand:
    return stage.start("worker", webhook_urls=f"desk={receiver.url}", webhook_secret=SECRET)


def _recalled(stage: Stage, campaign: str) -> int:
    stage.send(1, campaign)
    with stage.book() as book:
        return book.run(book.plan(campaign=campaign, reason="wrong link", actor="wang")).recall_id


def _heard(receiver: Receiver) -> set[int]:
    bodies = [json.loads(body) for body in receiver.taken]
    return {body["data"]["recall_id"] for body in bodies if body["type"] == "finished"}


def _count(stage: Stage, table: Table) -> int:
    with stage.book() as book, book.parts.opened().read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def _let_leases_end(stage: Stage) -> None:
    """Be two minutes later: whoever died over a notice held it for so long."""
    with stage.book() as book, book.parts.opened().write() as connection:
        connection.execute(update(notices).values(next_at=notices.c.at))
