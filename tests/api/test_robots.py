"""A token of some robots sees and touches nothing of others: every route of the application is walked.

A route that is added is walked too. One that takes the number of a recall and forgets who asks fails here.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from ledger.clock import format_time
from ledger.core.access.bounds import Bounds
from ledger.core.access.roles import Permission, Role
from ledger.core.recalls.selection import select
from ledger.core.recording.message import RobotCode
from ledger.entrypoints.http import seen_recall
from ledger.entrypoints.http.door import Door, needs
from ledger.entrypoints.http.seen_recall import Seen
from ledger.errors import ApprovalNeededError
from ledger.simulator import World
from tests.sending import send

from .conftest import ServeLedger, Service

OURS, THEIRS = "robot-1", "robot-secret"
OUR_ROBOT = Bounds(robots=frozenset({RobotCode(OURS)}))
# Everything of the others that an answer could tell has this in it; keys are looked for one by one.
SECRET = "secret"
PROGRAM, BROWSER = {"Accept": "*/*"}, {"Accept": "text/html"}
# What nobody has to be known for is asked for by everybody.
FOR_ANYBODY = {"/healthz", "/readyz", "/sign-in", "/sign-out", "/language", "/static/{name}"}


@dataclass(frozen=True)
class Shared:
    """A service that people of two bounds share: recalls in every state, of theirs or of both, and one of ours."""

    service: Service
    ours: int
    theirs: dict[str, int]
    keys: list[str]
    secret: str
    their_spring: str


def shared_service(service: Service, world: World, ours: Bounds, theirs: Bounds, their_spring: str) -> Shared:
    """Send and recall for both; what is theirs in the campaign of both is in `their_spring`."""
    book = service.book
    send(book, world, 2, robot=OURS, campaign="both", users=["ann"])
    keys = send(book, world, 2, robot=THEIRS, campaign=their_spring, users=["secret-bob"])
    keys += send(book, world, 2, robot=THEIRS, campaign="secret-group", conversation="secret-conversation")
    of_both = sorted({"both", their_spring})
    both = Bounds(robots=ours.robots | theirs.robots, campaigns=ours.campaigns | theirs.campaigns)

    def planned(*, reason: str = "secret reason", actor: str = "secret-wang", **parts: Any) -> int:
        return book.parts.planner.plan(select(**parts), reason=reason, actor=actor).recall_id

    one_of_ours = planned(campaign="both", reason="ours", actor="ann", within=ours)
    recalls = {
        "of both": planned(campaign=of_both),
        "within both": planned(campaign=of_both, within=both),
        "of theirs": planned(campaign="secret-group", robot=THEIRS),
        "within theirs": planned(campaign=their_spring, robot=THEIRS, within=theirs),
    }
    finished = recalls["finished"] = planned(robot=THEIRS, campaign=their_spring)
    book.run(finished)
    running = recalls["running"] = planned(keys=keys[2:3], actor="secret-zhao")
    book.parts.lifecycle.start(running)
    paused = recalls["paused"] = planned(keys=keys[3:4], actor="secret-sun")
    book.parts.lifecycle.start(paused)
    book.parts.lifecycle.pause(paused, why="secret pause", actor="secret-li")
    send(book, world, 3, robot=THEIRS, campaign="secret-large")
    waiting = recalls["waiting"] = planned(campaign="secret-large")
    with pytest.raises(ApprovalNeededError):
        book.run(waiting, actor="secret-wang")
    send(book, world, 3, robot=THEIRS, campaign="secret-urgent")
    broken = recalls["without anybody"] = planned(campaign="secret-urgent")
    book.run(broken, actor="secret-wang", break_glass="secret haste")
    book.parts.sticky.stick(finished, 3600, actor="secret-wang")
    made = book.parts.service_tokens.create(
        "ann", Role.ADMIN, robots=ours.robots, campaigns=ours.campaigns, actor="tester"
    )
    return Shared(service, one_of_ours, recalls, keys, made.secret, their_spring)


@pytest.fixture
def shared_robots(serve_ledger: ServeLedger, world: World) -> Shared:
    """One in which each has a robot, and both write in one campaign."""
    ours, theirs = (Bounds(robots=frozenset({RobotCode(one)})) for one in (OURS, THEIRS))
    return shared_service(serve_ledger(approval_recipients=2), world, ours, theirs, "both")


@pytest.fixture(params=["robots", "campaigns"])
def shared(request: pytest.FixtureRequest, serve_ledger: ServeLedger, world: World) -> Shared:
    """One in which each has a robot, or each has campaigns."""
    if request.param == "robots":
        shared: Shared = request.getfixturevalue("shared_robots")
        return shared
    ours, theirs = Bounds(campaigns=frozenset({"bo*", "ours"})), Bounds(campaigns=frozenset({"secret-*"}))
    return shared_service(serve_ledger(approval_recipients=2), world, ours, theirs, "secret-spring")


def doors(service: Service) -> list[RouteContext]:
    """Return every route of the application; all but the document of the API are doors."""
    found = [one for one in iter_route_contexts(service.app.routes) if one.path != "/openapi.json"]
    assert found
    assert [one.path for one in found if not isinstance(one.original_route, Door)] == []
    return [one for one in found if one.path not in FOR_ANYBODY]


def asked(service: Service) -> list[tuple[str, str]]:
    """Return the method and the path of every door that somebody has to be let in by."""
    return [(method, one.path or "") for one in doors(service) for method in sorted(one.methods or ())]


def refuse_strangers(shared: Shared, routes: list[tuple[str, str]]) -> int:
    """Ask routes about every recall that is not ours; return how many have answered, each with a refusal."""
    answered = 0
    before = [shared.service.book.show(recall_id).to_json() for recall_id in shared.theirs.values()]
    with shared.service.client(shared.secret) as bound:
        for method, path in routes:
            if "{" not in path:
                continue
            for why, recall_id in shared.theirs.items():
                for headers in (PROGRAM, BROWSER):
                    address = re.sub(r"\{\w+\}", str(recall_id), path)
                    with bound.stream(method, address, headers=headers, json={"reason": "x"}) as answer:
                        assert answer.status_code == 403, (method, path, why)
                        answer.read()
                    assert SECRET not in answer.text, (method, path, why)
                    answered += 1
    assert [shared.service.book.show(recall_id).to_json() for recall_id in shared.theirs.values()] == before
    return answered


def test_no_route_opens_a_recall_of_another_robot(shared: Shared, world: World) -> None:
    calls = len(world.calls())
    assert refuse_strangers(shared, asked(shared.service)) >= 20 * len(shared.theirs)
    assert len(world.calls()) == calls


def test_a_route_that_forgets_who_asks_does_not_pass_the_walk(shared: Shared) -> None:
    async def number(request: Request) -> str:
        return str(request.path_params["number"])

    router = APIRouter(route_class=Door)

    @router.get("/v1/recalls/{number}/forgotten", **needs(Permission.SEE))
    def forgotten(text: Annotated[str, Depends(number)]) -> str:
        return text

    others = asked(shared.service)
    shared.service.app.include_router(router)
    # The walk comes by it; all others have a walk of their own above.
    added = [route for route in asked(shared.service) if route not in others]
    with pytest.raises(AssertionError, match="forgotten"):
        refuse_strangers(shared, added)


def test_a_route_cannot_take_the_number_of_a_recall_from_its_address() -> None:
    router = APIRouter(route_class=Door)

    def careless(number: int) -> int:
        return number

    def careful(seen: Seen) -> int:
        return seen.id

    with pytest.raises(TypeError, match="take `Seen`"):
        router.get("/recalls/{number}", **needs(Permission.SEE))(careless)
    router.get("/recalls/{id}", **needs(Permission.SEE))(careful)


def parameters(dependant: Dependant) -> Iterator[tuple[str, Callable[..., object] | None]]:
    """Yield the name of every parameter of a route, with the function that takes it."""
    for kind in ("path_params", "query_params", "header_params", "cookie_params", "body_params"):
        yield from ((parameter.alias, dependant.call) for parameter in getattr(dependant, kind))
    for below in dependant.dependencies:
        yield from parameters(below)


def test_the_number_of_a_recall_is_taken_in_one_place(shared: Shared) -> None:
    taken = [
        (name, call)
        for one in doors(shared.service)
        for name, call in parameters(one.dependant)
        if name == "id" or "recall" in re.sub("recallable|recalled_(since|until)", "", name)
    ]
    assert len(taken) >= 20
    assert {name for name, _ in taken} == {"id"}
    assert {call for _, call in taken} == {seen_recall._seen}


def test_our_own_recall_opens(shared: Shared) -> None:
    with shared.service.client(shared.secret) as bound:
        for method, path in asked(shared.service):
            if "{" in path and method == "GET":
                with bound.stream(method, re.sub(r"\{\w+\}", str(shared.ours), path)) as answer:
                    assert answer.status_code == 200, path


LISTS = {
    "/v1/messages": ({}, {"campaign": "both"}, {"recallable": "true"}, {"format": "csv"}, {"format": "ndjson"}),
    "/v1/campaigns": ({},),
    "/v1/people": (
        {"campaign": "both"},
        {"user": "secret-bob"},
        {"since": "2026-03-01T00:00:00Z"},
        {"since": "2026-03-01T00:00:00Z", "format": "csv"},
        {"since": "2026-03-01T00:00:00Z", "format": "ndjson", "only": "left"},
    ),
    "/v1/recalls": (
        {},
        {"status": "planned"},
        {"status": "running"},
        {"limit": "1"},
        {"campaign": "secret-group"},
        {"format": "csv"},
        {"format": "excel", "campaign": "both"},
        {"format": "ndjson"},
    ),
    "/v1/history": (
        {},
        {"campaign": "both"},
        {"format": "csv"},
        {"format": "excel", "per_person": "true"},
        {"format": "ndjson"},
    ),
    "/": ({},),
    "/campaign": ({"name": "both"}, {"name": "ours"}),
    "/campaign/people": ({"name": "both"}, {"name": "ours"}),
    "/campaign/reads": ({"name": "both"}, {"name": "ours"}),
    "/campaign/people.csv": ({"name": "both"},),
    "/campaign/people.xlsx": ({"name": "both"},),
    "/people": ({}, {"user": "ann"}),
    "/history": ({}, {"campaign": "both"}, {"outcome": "recalled"}),
    "/recalls": ({}, {"status": "running"}, {"status": "paused"}, {"campaign": "both"}),
    "/recalls/new": ({}, {"campaign": "both"}),
    "/health": ({},),
    "/metrics": ({},),
}
# Of the others, the answer to who may touch everything tells what the others must not see.
TELLING_NOTHING = ("/people", "/recalls/new", "/health", "/metrics", "/campaign/people.xlsx", "/campaign/reads")
TELLING = [path for path in LISTS if path not in TELLING_NOTHING]


def read(client: httpx.Client, path: str, query: dict[str, str]) -> str:
    """Return an answer, and all that follow it."""
    answer = client.get(path, params=query)
    text = ""
    while True:
        assert answer.status_code == 200, answer.text
        text += answer.text
        if "next" not in answer.links:
            return text
        answer = client.get(answer.links["next"]["url"])


def test_no_list_tells_of_another_robot(shared: Shared) -> None:
    with shared.service.client(shared.secret) as bound, shared.service.signed_up(Role.ADMIN, name="all") as unbound:
        # Counted once before: the page shows it from then on.
        for client in (bound, unbound):
            client.get("/")
        lists = {path for method, path in asked(shared.service) if method == "GET" and "{" not in path}
        assert lists == set(LISTS), "say here with which questions a new list is asked"
        for path, queries in LISTS.items():
            for query in queries:
                text = read(bound, path, query)
                assert SECRET not in text, (path, query)
                assert [key for key in shared.keys if key in text] == [], (path, query)
            # The page of a campaign names it, and one of theirs is a secret already.
            if path in TELLING and (not path.startswith("/campaign") or shared.their_spring == "both"):
                assert any(SECRET in read(unbound, path, query) for query in queries), path


def test_who_asks_for_what_another_robot_sent_finds_nothing(shared: Shared) -> None:
    questions = [
        {"campaign": "secret-group"},
        {"user": "secret-bob"},
        {"key": shared.keys[0]},
        {"since": "2026-03-01T00:00:00Z"},
    ]
    with shared.service.client(shared.secret) as bound:
        for question in questions:
            for path in ("/v1/messages", "/v1/history"):
                found = bound.get(path, params=question).json()["items"]
                assert {one["robot_code"] for one in found} <= {OURS}, (path, question)
            assert bound.get("/v1/history", params={**question, "format": "ndjson"}).text == ""
        for path in ("/v1/messages", "/v1/history", "/people", "/history"):
            answer = bound.get(path, params={"robot": THEIRS, "user": "secret-bob"})
            assert answer.status_code in (200, 403), path
            assert [key for key in shared.keys if key in answer.text] == [], path
        page = bound.get("/campaign", params={"name": "secret-group"}).text
        assert [key for key in shared.keys if key in page] == []
        assert "secret-conversation" not in page


def test_a_plan_takes_nothing_of_another_robot_and_tells_nothing_of_it(shared: Shared) -> None:
    with shared.service.client(shared.secret) as bound:
        asked_for = {"keys": [*shared.keys, "never-recorded"], "reason": "x"}
        plan = bound.post("/v1/recalls", json=asked_for).json()
        assert (plan["eligible"], plan["robots"], plan["held_by"]) == (0, {}, [])
        # A key of others is as unknown as one that was never recorded.
        assert plan["unrecorded_keys"] == len(asked_for["keys"])


def test_who_names_another_robot_is_refused(shared_robots: Shared) -> None:
    with shared_robots.service.client(shared_robots.secret) as bound:
        refused = bound.post("/v1/recalls", json={"robot": THEIRS, "reason": "x"})
        assert refused.status_code == 403


def test_who_names_another_campaign_plans_nothing(shared: Shared) -> None:
    with shared.service.client(shared.secret) as bound:
        answer = bound.post("/v1/recalls", json={"campaign": "secret-group", "reason": "x"})
        if shared.their_spring != "both":
            # Whose bounds are campaigns is told that this one is none of theirs, whether there is one or not.
            nothing = bound.post("/v1/recalls", json={"campaign": "nothing", "reason": "x"})
            assert [answer.status_code, nothing.status_code] == [403, 403]
            return
        plan = answer.json()
        assert (plan["eligible"], plan["recipients"], plan["robots"]) == (0, 0, {})


def test_a_bound_program_records_within_its_bounds_only(shared: Shared, world: World) -> None:
    (key,) = world.make_messages(1, robot_code=THEIRS, sent_at=shared.service.book.parts.clock.now())
    row = {"processQueryKey": key, "robotCode": THEIRS, "sentAt": format_time(shared.service.book.parts.clock.now())}
    with shared.service.client(shared.secret) as bound:
        for campaign in ("secret-group", None):
            assert bound.post("/v1/messages", json={**row, "campaign": campaign}).status_code == 422
        assert bound.post("/v1/messages", json={**row, "robotCode": OURS, "campaign": "both"}).status_code == 200


def test_a_program_that_is_bound_to_campaigns_does_not_learn_the_campaign_of_a_key(shared: Shared) -> None:
    now = format_time(shared.service.book.parts.clock.now())
    row = {"processQueryKey": shared.keys[2], "robotCode": THEIRS, "sentAt": now, "campaign": "both"}
    with shared.service.client(shared.secret) as bound:
        assert SECRET not in bound.post("/v1/messages", json={**row, "userIds": ["ann"]}).text.replace(THEIRS, "")


def test_the_reason_of_a_recall_that_took_others_along_is_held_back(shared: Shared, world: World) -> None:
    book = shared.service.book
    send(book, world, 1, robot=OURS, campaign="both", users=["ann"])
    book.run(book.plan(since=book.parts.clock.now() - timedelta(days=1), reason="secret reason", actor="tester"),
             break_glass="for both")  # fmt: skip
    with shared.service.client(shared.secret) as bound, shared.service.signed_up(Role.ADMIN, name="all") as unbound:
        ours = bound.get("/v1/history").json()["items"]
        assert {(one["recall_reason"], one["robot_code"]) for one in ours} == {("", OURS)}
        assert "secret reason" not in bound.get("/history").text
        for form in ("csv", "ndjson"):
            assert "secret reason" not in bound.get("/v1/history", params={"format": form}).text
        assert "secret reason" in unbound.get("/v1/history").text


def test_sticky_is_said_of_recalls_that_somebody_may_see(shared_robots: Shared) -> None:
    shared = shared_robots
    with shared.service.client(shared.secret) as bound, shared.service.signed_up(Role.ADMIN, name="all") as unbound:
        (line,) = bound.get("/v1/campaigns").json()
        assert (line["campaign"], line["messages"], line["sticky_until"]) == ("both", 2, None)
        lines = {line["campaign"]: line for line in unbound.get("/v1/campaigns").json()}
    assert lines["both"]["sticky_until"] is not None


def test_many_waiting_plans_of_others_do_not_hide_ours(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(approval_recipients=0)
    send(service.book, world, 1, robot=THEIRS, campaign="theirs")
    send(service.book, world, 1, robot=OURS, campaign="ours")
    for number in range(25):
        plan = service.book.plan(campaign="theirs", reason="secret", actor=f"wang-{number}")
        with pytest.raises(ApprovalNeededError):
            service.book.run(plan)
    plan = service.book.parts.planner.plan(select(campaign="ours", within=OUR_ROBOT), reason="x", actor="li")
    with pytest.raises(ApprovalNeededError):
        service.book.run(plan)
    with service.signed_up(Role.OPERATOR, robots=(OURS,)) as bound:
        page = bound.get("/").text
    assert f'href="/recalls/{plan.recall_id}"' in page
    assert SECRET not in page
