"""OpenAPI keeps its word: whatever is asked as it says is answered as it says, and nothing ends in a 5xx."""

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import Phase
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.fuzzing import fuzzed
from tests.sending import send

from .conftest import Service

CASES_OF_A_ROUTE = 6
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def operations(service: Service) -> Iterator[Any]:
    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    # Events have no end while a recall has none, and readiness is a 503 where no worker runs.
    for found in schema.exclude(path_regex=r"/events$|/readyz$").get_all_operations():
        assert isinstance(found, Ok)
        yield found.ok()


@pytest.mark.filterwarnings("ignore")
# Who may do everything reaches both databases; who may not is turned away before either.
@pytest.mark.parametrize(
    ("database_url", "role"),
    [("sqlite", None), ("sqlite", Role.RECORDER), ("sqlite", Role.ADMIN), ("postgresql", Role.ADMIN)],
    indirect=["database_url"],
)
def test_nothing_that_is_asked_is_answered_otherwise_than_is_written(
    service: Service, world: World, role: Role | None
) -> None:
    send(service.book, world, 3, users=["ann"])
    service.book.run(service.book.plan(campaign="spring", reason="x"))
    headers = {"Authorization": f"Bearer {service.token(role)}"} if role else {}
    asked = 0

    def ask(case: Any) -> None:
        nonlocal asked
        asked += 1
        case.call_and_validate(headers=headers, checks=CHECKS)

    for operation in operations(service):
        bounded = fuzzed(CASES_OF_A_ROUTE, phases=[Phase.explicit, Phase.generate])
        cases: Any = bounded(hypothesis.given(operation.as_strategy())(ask))  # type: ignore[no-untyped-call]
        cases()
    assert asked > 100


def test_every_answer_of_every_route_is_documented_with_examples_for_what_goes_in_and_out(service: Service) -> None:
    with service.client() as client:
        document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    named = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in named]
    assert len(set(ids)) == len(ids)
    for operation in named:
        assert operation["description"]
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (operation["operationId"], status)
    for name in ("RecallRequest", "Plan", "Result", "Item", "Message", "Received", "Problem"):
        assert "examples" in str(schemas[name]), name
    assert "HTTPValidationError" not in schemas
