"""GET /v1/people and the people of a recall: one a line, in pages or whole, within bounds, noted as a reading."""

import csv
import io
import json

from ledger.core.access.roles import Role
from ledger.simulator import FailedReason, World
from tests.sending import send

from .conftest import Service
from .test_reads import noted

ANN, BOB, EVE = (
    {"user": "ann", "messages": 2, "recalled": 2, "left": 0, "unknown": 0, "undelivered": 0},
    {"user": "bob", "messages": 1, "recalled": 1, "left": 0, "unknown": 0, "undelivered": 0},
    {"user": "eve", "messages": 1, "recalled": 0, "left": 1, "unknown": 0, "undelivered": 0},
)


def recalled(service: Service, world: World) -> int:
    """Return a recall in which ann and bob lost everything, and eve nothing."""
    send(service.book, world, 1, users=["ann", "bob"])
    send(service.book, world, 1, users=["ann"])
    (refused,) = send(service.book, world, 1, users=["eve"])
    world.change(failed_reasons={refused: FailedReason(reason="no")})
    return service.book.run(service.book.plan(campaign="spring", reason="wrong link")).recall_id


def test_people_of_a_selection_and_of_a_recall_come_with_their_count(service: Service, world: World) -> None:
    recall = recalled(service, world)
    with service.client() as client:
        for address in ("/v1/people?campaign=spring", f"/v1/recalls/{recall}/people"):
            answer = client.get(address).json()
            assert answer["items"] == [ANN, BOB, EVE]
            assert answer["next"] is None
            assert answer["count"] == {"people": 3, "lost": 2, "left": 1, "unknown": 0, "never": 0, "still": ["eve"]}
        assert client.get(f"/v1/recalls/{recall}/people?only=lost").json()["items"] == [ANN, BOB]
        assert client.get(f"/v1/recalls/{recall}/people?outcome=refused").json()["items"] == [EVE]
        assert client.get("/v1/people").json()["code"] == "empty_selection"
        assert client.get("/v1/people?campaign=spring&cursor=nonsense").json()["code"] == "bad_cursor"


def test_pages_follow_each_other_and_whole_files_have_everybody(service: Service, world: World) -> None:
    recall = recalled(service, world)
    with service.client() as client:
        for address in ("/v1/people?campaign=spring", f"/v1/recalls/{recall}/people?limit=100"):
            first = client.get(f"{address}&limit=2").json()
            rest = client.get(first["next"]).json()
            assert first["items"] + rest["items"] == [ANN, BOB, EVE]
            assert (rest["count"], rest["next"]) == (None, None)
            rows = list(csv.DictReader(io.StringIO(client.get(f"{address}&format=csv").text)))
            assert rows == [{name: str(value) for name, value in one.items()} for one in (ANN, BOB, EVE)]
            lines = client.get(f"{address}&format=ndjson").text.splitlines()
            assert [json.loads(line) for line in lines] == [ANN, BOB, EVE]


def test_who_is_bound_to_a_robot_sees_the_people_of_that_robot_alone(service: Service, world: World) -> None:
    send(service.book, world, 1, robot="theirs", users=["secret"])
    send(service.book, world, 1, robot="ours", users=["ann"])
    theirs = service.book.plan(robot="theirs", reason="a plan").recall_id
    with service.signed_up(Role.AUDITOR, robots=("ours",)) as auditor:
        found = auditor.get("/v1/people?campaign=spring").json()
        assert [one["user"] for one in found["items"]] == ["ann"]
        assert found["count"]["people"] == 1
        assert auditor.get(f"/v1/recalls/{theirs}/people").status_code == 403
        assert auditor.get("/v1/people?robot=theirs").status_code == 403


def test_looking_at_people_is_noted_with_how_many_and_never_with_an_id(service: Service, world: World) -> None:
    recall = recalled(service, world)
    with service.client() as client:
        client.get("/v1/people?user=ann")
        client.get(f"/v1/recalls/{recall}/people?format=csv&only=lost")
        client.get("/campaign/people?name=spring", headers={"Accept": "text/html"})
    found = noted(service)
    assert [(one.route, one.rows) for one in found] == [
        ("/v1/people", 2),
        ("/v1/recalls/{id}/people", 2),
        ("/campaign/people", 3),
    ]
    assert "'ann'" not in str(found)
