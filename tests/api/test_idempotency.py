"""Idempotency-Key: what comes twice is done once, and answered twice."""

import threading
from datetime import timedelta

import pytest

from ledger.clock import FakeClock
from ledger.core.access.roles import Role
from ledger.errors import DatabaseUnavailableError, RequestInProgressError
from ledger.services.access.idempotency import IdempotentRequest
from ledger.simulator import World
from tests.sending import send

from .conftest import Service

SPRING = {"campaign": "spring", "reason": "wrong link"}
KEY = {"Idempotency-Key": "a-key-of-mine"}


def test_the_same_request_is_answered_as_the_first_was_and_not_done_again(service: Service, world: World) -> None:
    send(service.book, world, 2)
    with service.client() as client:
        first, second = (client.post("/v1/recalls", json=SPRING, headers=KEY) for _ in range(2))
        # But for the token, which is kept nowhere, what messages say, which goes with them, and what else waits now.
        assert first.json()["token"]
        without = dict.fromkeys(("token", "excerpts", "also_waiting"))
        assert (second.status_code, second.json()) == (201, {**first.json(), **without})
        assert "idempotency-replayed" not in first.headers
        assert second.headers["idempotency-replayed"] == "true"
        assert len(client.get("/v1/recalls").json()["items"]) == 1
        run = [client.post("/v1/recalls/1/run", headers={"Idempotency-Key": "another"}) for _ in range(2)]
        assert [answer.status_code for answer in run] == [202, 202]


def test_a_key_is_for_one_request_of_one_token_for_a_day(service: Service, world: World, clock: FakeClock) -> None:
    send(service.book, world, 2)
    with service.signed_up(Role.OPERATOR, name="a") as one, service.signed_up(Role.OPERATOR, name="b") as other:
        one.post("/v1/recalls", json=SPRING, headers=KEY)
        reused = one.post("/v1/recalls", json={**SPRING, "reason": "other"}, headers=KEY)
        assert (reused.status_code, reused.json()["code"]) == (422, "key_reused")
        elsewhere = one.post("/v1/recalls/1/cancel", headers=KEY)
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "key_reused")
        assert "idempotency-replayed" not in other.post("/v1/recalls", json=SPRING, headers=KEY).headers
        clock.advance(timedelta(hours=25))
        assert "idempotency-replayed" not in one.post("/v1/recalls", json=SPRING, headers=KEY).headers


def test_what_failed_may_come_again(service: Service, world: World) -> None:
    with service.client() as client:
        assert client.post("/v1/recalls/1/run", headers=KEY).status_code == 404
        send(service.book, world, 1)
        client.post("/v1/recalls", json=SPRING)
        assert client.post("/v1/recalls/1/run", headers=KEY).status_code == 202


def test_while_it_is_being_worked_on_the_same_request_waits(service: Service) -> None:
    answers = service.book.parts.idempotency
    begun, goes_on = threading.Event(), threading.Event()

    def work() -> tuple[int, str]:
        begun.set()
        goes_on.wait(20)
        return 200, "done"

    request = IdempotentRequest(scope="s", key="k", digest="d", claim="first")
    thread = threading.Thread(target=answers.once, args=(request, work))
    thread.start()
    begun.wait(20)
    again = IdempotentRequest(scope="s", key="k", digest="d", claim="second")
    with pytest.raises(RequestInProgressError, match="in a moment"):
        answers.once(again, work)
    goes_on.set()
    thread.join(20)
    assert answers.once(again, work) == (200, "done")


def test_an_attempt_that_lost_its_database_goes_on_and_one_whose_process_died_is_taken_over(
    service: Service, clock: FakeClock
) -> None:
    answers, tries = service.book.parts.idempotency, iter([DatabaseUnavailableError("away"), None])

    def work() -> tuple[int, str]:
        if (error := next(tries)) is not None:
            raise error
        return 200, "done"

    request = IdempotentRequest(scope="s", key="k", digest="d", claim="first")
    with pytest.raises(DatabaseUnavailableError):
        answers.once(request, work)
    assert answers.once(request, work) == (200, "done")

    dead = IdempotentRequest(scope="s", key="other", digest="d", claim="dead")
    tries = iter([DatabaseUnavailableError("away"), None])
    with pytest.raises(DatabaseUnavailableError):
        answers.once(dead, work)
    clock.advance(timedelta(minutes=6))
    assert answers.once(IdempotentRequest(scope="s", key="other", digest="d", claim="new"), work) == (200, "done")
