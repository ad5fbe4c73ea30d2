"""The simulator against the documented exchanges: status, codes, names and types of fields, not made-up ids."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from ledger.simulator import BanForm, Chat, Message, Request, ScriptedAnswer, World

from .worlds import START, StillClock

SAMPLES = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parent.parent / "samples").glob("*.json"))
}

Arrangement = Callable[[World, Any], object]


def changes(**fields: object) -> Arrangement:
    """Arrange a behaviour."""
    return lambda world, _sample: world.change(**fields)


def next_answer(world: World, sample: Any) -> None:
    """Arrange the error of the sample as the next answer: nothing that a caller does leads to it."""
    world.script(ScriptedAnswer.error(sample["response"]["body"]["code"]))


def second_key(**fields: object) -> Arrangement:
    """Arrange a behaviour towards the second key of the sample."""

    def arrange(world: World, sample: Any) -> None:
        key = sample["request"]["body"]["processQueryKeys"][1]
        world.change(**{name: {key: value} if value else [key] for name, value in fields.items()})

    return arrange


def token(**fields: object) -> Arrangement:
    """Arrange that the sample's token is not accepted."""
    return changes(refuse_tokens=True, **fields)


def recalled(world: World, sample: Any) -> None:
    """Arrange that the message was recalled, after one user had read it."""
    world.change(readers=["user01"])
    body = {"robotCode": sample["request"]["query"]["robotCode"]}
    keys = [sample["request"]["query"]["processQueryKey"]]
    world.handle(
        Request.post(
            "/v1.0/robot/otoMessages/batchRecall", {**body, "processQueryKeys": keys}, token=world.issue_token()
        )
    )


def used_up(world: World, _sample: Any) -> None:
    """Arrange an address that has called too often."""
    world.change(ban_after_calls=1)
    world.handle(Request.get("/nowhere"))


def banned(form: BanForm) -> Arrangement:
    """Arrange a banned address."""

    def arrange(world: World, sample: Any) -> None:
        world.change(ban_form=form)
        used_up(world, sample)

    return arrange


def forgotten(world: World, _sample: Any) -> None:
    """Arrange that no message is known."""
    world.reset()


def old(world: World, _sample: Any) -> None:
    """Arrange that the messages are past the window."""
    world.age_messages(timedelta(hours=25))


def of_another_robot(world: World, _sample: Any) -> None:
    """Arrange that another robot sent the messages."""
    world.seed_messages(
        [Message(key=message.key, robot_code="dinganother", sent_at=message.sent_at) for message in world.messages()]
    )


def capitalised(world: World, sample: Any) -> None:
    """Arrange an unknown key, answered with capital names."""
    world.reset()
    world.change(capitalised_error_fields=True)
    assert sample["response"]["body"]["Code"]


MIXED = second_key(failed_reasons="SYSTEM_ERROR")
NULL_SUCCESS = changes(null_fields=True, failed_reasons={"*": "notRevoke.all.messages"})
QPS = "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"

ARRANGEMENTS: Mapping[str, Arrangement] = {
    "access_token_invalid_client": lambda world, _: world.configure(apps={"dingsampleapp01": "sample-secret"}),
    "send_one_on_one_some_not_reached": changes(invalid_users=["user02"], flow_controlled_users=["user03"]),
    "send_one_on_one_filtered": changes(filtered_users=["user02"]),
    "send_too_fast": next_answer,
    "send_by_token_too_fast": next_answer,
    "send_too_many_people": next_answer,
    "send_too_many_group": next_answer,
    "send_staff_id_not_existed": changes(unknown_users=["user01"]),
    **{
        f"recall_{chat}_{case}": arrangement
        for chat in ("one_on_one", "group", "private")
        for case, arrangement in {
            "mixed": MIXED,
            "null_failed": changes(null_fields=True),
            "null_success": NULL_SUCCESS,
            "neither": second_key(silent_keys=None),
        }.items()
    },
    "recall_error_robot_code": lambda world, _: world.configure(robots=["dinganother"]),
    "recall_error_other_robot": of_another_robot,
    "recall_error_key_invalid": forgotten,
    "recall_error_key_expired": old,
    "recall_error_not_all_recalled": next_answer,
    "recall_error_system_error": next_answer,
    "recall_error_capitalised": capitalised,
    "gateway_invalid_authentication": token(),
    "gateway_invalid_authentication_401": token(bad_token_status=401),
    "gateway_invalid_access_token": token(bad_token_code="invalidAccessToken"),
    "gateway_permission_denied": changes(permission_missing=True),
    "gateway_address_not_allowed": changes(ip_refused=True),
    "gateway_qps_limit_app_and_api": changes(calls_per_second=0, throttle_code=QPS),
    "gateway_qpm_limit_app_and_api": next_answer,
    "gateway_qps_limit_api": changes(calls_per_second=0, throttle_code="Forbidden.AccessDenied.QpsLimitForApi"),
    "gateway_qps_limit_suite_and_org": next_answer,
    "gateway_quota_used_up": changes(monthly_quota=0),
    "gateway_system_busy": next_answer,
    "gateway_service_unavailable": next_answer,
    "ban_html": banned(BanForm.HTML),
    "ban_json": banned(BanForm.JSON),
    "empty_ok": lambda world, _: world.script(ScriptedAnswer(status=200, body={})),
    "read_status_success": changes(readers=["user01"]),
    "read_status_misspelt_success": changes(readers=["user01"], misspelt_success=True),
    "read_status_recalled": recalled,
    "read_status_processing": changes(readers=["user01"], processing_seconds=2 * 3600),
    "read_status_expired": old,
}


def test_every_arrangement_belongs_to_a_sample() -> None:
    assert set(ARRANGEMENTS) <= set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_simulator_answers_as_documented(name: str) -> None:
    sample = SAMPLES[name]
    world = World(StillClock(), seed=1)
    seed(world, sample["request"])
    if name in ARRANGEMENTS:
        ARRANGEMENTS[name](world, sample)
    reply = world.handle(request_of(world, sample["request"]))
    wanted = sample["response"]
    assert reply.status == wanted["status"]
    assert reply.headers.keys() == wanted["headers"].keys()
    assert reply.headers["Content-Type"] == wanted["headers"]["Content-Type"]
    if isinstance(wanted["body"], str):
        assert reply.body.startswith(b"<!DOCTYPE html>")
    else:
        assert without_ids(reply.json()) == without_ids(wanted["body"])


def seed(world: World, request: Any) -> None:
    """Let the messages that a sample asks for be sent an hour before."""
    fields = request.get("body") or request.get("query")
    keys = fields.get("processQueryKeys") or [fields.get("processQueryKey")]
    conversation = fields.get("openConversationId")
    private = "privateChat" in request["path"]
    chat = Chat.ONE_ON_ONE if conversation is None else Chat.PRIVATE if private else Chat.GROUP
    world.seed_messages(
        Message(
            key=key,
            robot_code=fields["robotCode"],
            sent_at=START - timedelta(hours=1),
            chat=chat,
            users=("user01", "user02"),
            conversation=conversation,
        )
        for key in keys
        if key
    )


def request_of(world: World, request: Any) -> Request:
    """Build the request of a sample with a token of this world in place of the sample's."""
    headers = dict(request["headers"])
    if "x-acs-dingtalk-access-token" in headers:
        headers["x-acs-dingtalk-access-token"] = world.issue_token()
    if request["method"] == "GET":
        return Request.of("GET", f"{request['path']}?{urlencode(request['query'])}", headers)
    return Request.of(request["method"], request["path"], headers, json.dumps(request["body"]).encode())


def without_ids(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body in which what every answer makes up anew is replaced by its type."""
    made_up = {"requestid", "RequestId", "accessToken", "processQueryKey"}
    return {name: type(value) if name in made_up else value for name, value in body.items()}
