"""Who has read it, over HTTP: with its price first, for whoever may recall, and within bounds."""

from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.sending import send

from .conftest import Service

READ_STATUS = "/v1.0/robot/oToMessages/readStatus"


def sent(service: Service, world: World, robot: str = "robot-1") -> None:
    send(service.book, world, 4, users=["ann", "bob"], robot=robot)
    world.change(readers=["ann"])


def test_the_price_comes_first_and_costs_nothing(service: Service, world: World) -> None:
    sent(service, world)
    with service.client() as client:
        price = client.post("/v1/reads", json={"campaign": "spring", "sample": 3, "dry_run": True}).json()
        assert (price["messages"], price["sample"], price["calls"]) == (4, 3, 3)
        assert world.calls(READ_STATUS) == []
        found = client.post("/v1/reads", json={"campaigns": ["spr*"], "sample": 4}).json()
    assert (found["asked"], found["read"], found["unread"], found["is_exact"]) == (4, 4, 4, True)
    assert (found["share_low"], found["share_high"], found["calls"]) == (0.5, 0.5, 4)


def test_asked_of_a_recall_it_stands_in_the_recall(service: Service, world: World) -> None:
    sent(service, world)
    number = service.book.plan(campaign="spring", reason="wrong link").recall_id
    with service.client() as client:
        found = client.post(f"/v1/recalls/{number}/reads", json={"sample": 2}).json()
        assert (found["recall_id"], found["asked"]) == (number, 2)
        service.book.run(number)
        before = client.get(f"/v1/recalls/{number}").json()["before_reading"]
    assert (before["people"], before["read"], before["not_known"], before["is_most"]) == (4, 2, 2, True)


def test_a_request_that_comes_twice_asks_once(service: Service, world: World) -> None:
    sent(service, world)
    with service.client(headers={"Idempotency-Key": "once"}) as client:
        answers = [client.post("/v1/reads", json={"campaign": "spring", "sample": 2}).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(world.calls(READ_STATUS)) == 2


def test_what_cannot_be_asked_is_refused_with_its_code(service: Service, world: World) -> None:
    sent(service, world)
    with service.client() as client:
        for body, status, code in (
            ({}, 422, "empty_selection"),
            ({"campaign": "none"}, 409, "nothing_eligible"),
            ({"campaign": "spring", "sample": 0}, 422, "invalid_request"),
        ):
            answer = client.post("/v1/reads", json=body)
            assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_bound_token_asks_within_its_robots_alone(service: Service, world: World) -> None:
    sent(service, world, "theirs")
    number = service.book.plan(campaign="spring", reason="wrong link").recall_id
    with service.signed_up(Role.OPERATOR, robots=("ours",)) as client:
        assert client.post("/v1/reads", json={"campaign": "spring"}).json()["code"] == "nothing_eligible"
        assert client.post("/v1/reads", json={"campaign": "spring", "robot": "theirs"}).status_code == 403
        assert client.post(f"/v1/recalls/{number}/reads", json={}).status_code == 403
    assert world.calls(READ_STATUS) == []


def test_what_is_unknown_is_settled_and_what_is_recalled_is_spot_checked(service: Service, world: World) -> None:
    keys = send(service.book, world, 4, users=["ann"])
    world.change(silent_keys=keys[:1], silent_keys_are_recalled=True)
    number = service.book.run(service.book.plan(campaign="spring", reason="wrong link")).recall_id
    world.change(silent_keys=[], still_there=keys[3:])
    address = f"/v1/recalls/{number}"
    with service.client() as client:
        price = client.post(f"{address}/verify", json={"sample": 9, "dry_run": True}).json()
        assert (price["calls"], price["result"], world.calls(READ_STATUS)) == (4, None, [])
        done = client.post(f"{address}/verify", json={"sample": 9}).json()
        assert (done["settled"], done["result"]["recalled"]) == (1, 4)
        assert done["checked"] == {"asked": 3, "gone": 2, "still_there": 1}
        (there,) = client.get(address).json()["still_there"]
    assert there["process_query_key"] == keys[3]
