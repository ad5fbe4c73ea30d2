"""From a send call and its answer to the message: the documented exchanges, and any JSON instead."""

import gzip
import json
import zlib
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.core.limits import RECIPIENTS_MAX
from ledger.core.recording.capture import SEND_PATHS, capture, capture_pair
from ledger.core.recording.message import UNKNOWN, Chat, Message
from ledger.core.recording.send_calls import CREATE_AND_DELIVER, send_path
from ledger.errors import InvalidMessageError
from tests.core.values import NOW, SAMPLES, Json, junk

ONE, GROUP, PRIVATE = SEND_PATHS
KEY = "36UIw+aqvER/Fb2EFX1zai5p/iAEPPBvhf19pvwS89s="
INTERACTIVE = "/v1.0/im/v1.0/robot/interactiveCards/send"
TEMPLATE_CARD = "/v1.0/im/interactiveCards/templates/send"
PRIVATE_CARD = "/v1.0/im/privateChat/interactiveCards/send"
CARD_UPDATE = "/v1.0/im/robots/interactiveCards"
NOTHING: dict[str, list[str]] = {}
SENDS: dict[str, tuple[Chat, list[str], dict[str, list[str]]]] = {
    "send_one_on_one": (Chat.ONE_TO_ONE, ["user01", "user02"], NOTHING),
    "send_one_on_one_filtered": (Chat.ONE_TO_ONE, ["user01"], {"filtered": ["user02"]}),
    "send_one_on_one_some_not_reached": (
        Chat.ONE_TO_ONE,
        ["user01"],
        {"invalid": ["user02"], "flow_controlled": ["user03"]},
    ),
    "send_group": (Chat.GROUP, [], NOTHING),
    "send_private": (Chat.PRIVATE, [], NOTHING),
}


def captured(
    request: object = None, response: object = None, *, method: str = "POST", url: str = ONE, **more: Any
) -> Message | None:
    """Capture a one-on-one send to two users."""
    asked = {"robotCode": "dingbot", "userIds": ["u1", "u2"]} if request is None else request
    answer = {"processQueryKey": KEY} if response is None else response
    return capture(method=method, url=url, request_body=asked, response_body=answer, sent_at=NOW, **more)


def of_sample(name: str, *, as_bytes: bool = False) -> Message | None:
    """Capture a documented exchange."""
    sample = SAMPLES[name]
    asked, answered = sample["request"]["body"], sample["response"]["body"]
    if as_bytes:
        asked, answered = json.dumps(asked).encode(), json.dumps(answered).encode()
    return captured(asked, answered, url="https://api.dingtalk.com" + sample["request"]["path"], campaign="spring")


def undelivered_of(message: Message) -> dict[str, list[str]]:
    """Return the users who did not get a message, as lists."""
    return {why: list(users) for why, users in message.undelivered.items()}


@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize("name", SENDS)
def test_a_documented_send_is_captured_with_those_whom_it_reached(name: str, as_bytes: bool) -> None:
    message = of_sample(name, as_bytes=as_bytes)
    assert message is not None
    chat, recipients, undelivered = SENDS[name]
    body = SAMPLES[name]["request"]["body"]
    assert (message.process_query_key, message.robot_code, message.sent_at) == (KEY, "dingsamplerobot0001", NOW)
    assert (message.chat, message.open_conversation_id) == (chat, body.get("openConversationId"))
    assert (list(message.recipients), undelivered_of(message)) == (recipients, undelivered)
    assert (message.campaign, message.source) == ("spring", None)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in SENDS])
def test_what_is_no_send_with_a_key_is_not_captured(name: str) -> None:
    sample = SAMPLES[name]
    asked, answered = sample["request"].get("body"), sample["response"]["body"]
    assert captured(asked or {}, answered, method=sample["request"]["method"], url=sample["request"]["path"]) is None


def test_every_documented_send_is_in_the_table() -> None:
    sent = [name for name, sample in SAMPLES.items() if "processQueryKey" in sample["response"]["body"]]
    assert sorted(SENDS) == sorted(sent)


@pytest.mark.parametrize(
    ("method", "url", "path"),
    [
        ("POST", f"https://api.dingtalk.com{ONE}", ONE),
        ("post", f"https://api.dingtalk.io{GROUP}", GROUP),
        ("POST", f"http://127.0.0.1:8080{PRIVATE}?x=1#y", PRIVATE),
        ("POST", f"https://proxy.example/dingtalk{ONE}", ONE),
        ("POST", f"https://proxy.example/dingtalk/{GROUP}", GROUP),
        ("POST", ONE, ONE),
        ("POST", f"/{ONE}", ONE),
        ("POST", ONE.replace("oTo", "oto"), ONE),
        ("POST", ONE.replace("/robot/", "//robot/") + "//", ONE),
        ("POST", ONE + "/", ONE),
        ("POST", ONE.replace("batch", "%62atch"), ONE),
        ("POST", f"https://api.dingtalk.com{CREATE_AND_DELIVER}", CREATE_AND_DELIVER),
        ("POST", "https://api.dingtalk.com/v1.0/im/v1.0/robot/interactiveCards/send", INTERACTIVE),
        ("POST", f"https://api.dingtalk.com{TEMPLATE_CARD}", TEMPLATE_CARD),
        ("POST", f"https://api.dingtalk.com{PRIVATE_CARD}", PRIVATE_CARD),
        ("PUT", f"https://api.dingtalk.com{CARD_UPDATE}", None),
        ("POST", f"https://api.dingtalk.com{CARD_UPDATE}", None),
        ("PUT", "https://api.dingtalk.com/v1.0/im/interactiveCards", None),
        ("POST", "https://oapi.dingtalk.com/robot/send?access_token=x", "/robot/send"),
        ("POST", "https://oapi.dingtalk.com/robot/sendBySession?session=x", "/robot/sendBySession"),
        ("POST", "http://toys.example/robot/send", None),
        ("POST", "https://api.dingtalk.com/v2" + ONE.removeprefix("/v1.0"), None),
        ("POST", ONE.replace("/v1.0", "/xv1.0"), None),
        ("GET", ONE, None),
        ("POST", "/v1.0/robot/otoMessages/batchRecall", None),
        ("POST", "http://[", None),
        ("POST", "", None),
    ],
)
def test_a_send_is_known_by_method_and_path_on_any_host(method: str, url: str, path: str | None) -> None:
    assert send_path(method, url) == path


urls = st.sampled_from([*SEND_PATHS, "http://["]) | st.text(max_size=20)
asks = st.fixed_dictionaries(
    {},
    optional={
        "robotCode": st.just("dingbot") | junk(),
        "userIds": st.lists(st.sampled_from(["u1", "u2"]) | junk(), max_size=5) | junk(),
        "openConversationId": st.just("cid") | junk(),
    },
)
lists = st.lists(st.sampled_from(["u1", "u2"]) | junk(), max_size=5) | junk()
given_back = st.fixed_dictionaries(
    {"processQueryKey": st.just(KEY) | junk()},
    optional={"invalidStaffIdList": lists, "flowControlledStaffIdList": lists, "filteredStaffIdList": lists},
)
DEEP = "[" * 100_000


@given(st.sampled_from(["POST", "GET", "post"]), urls, asks | junk(), given_back | junk(), junk(), junk())
@example("POST", ONE, {"robotCode": "r", "userIds": 5}, {"processQueryKey": KEY}, None, None)
@example("POST", ONE, {"robotCode": "r", "userIds": [["u1"]]}, {"processQueryKey": KEY}, None, None)
@example("POST", ONE, {"robotCode": "r"}, {"processQueryKey": KEY, "invalidStaffIdList": [["u1"]]}, None, None)
@example("POST", ONE, {"robotCode": "r"}, {"processQueryKey": KEY, "invalidStaffIdList": 5}, None, None)
@example("POST", ONE, DEEP, {"processQueryKey": KEY}, None, None)
@example("POST", ONE, {"robotCode": "r"}, DEEP, None, None)
def test_whatever_json_comes_is_a_message_nothing_or_an_invalid_message(
    method: str, url: str, request: Json, response: Json, campaign: Json, source: Json
) -> None:
    try:
        message = captured(request, response, method=method, url=url, campaign=campaign, source=source)
    except InvalidMessageError:
        return
    if message is not None:
        missed = {user for users in message.undelivered.values() for user in users}
        assert missed.isdisjoint(message.recipients)


@given(
    st.dictionaries(st.sampled_from(["request", "response", "sentAt", "campaign", "source"]), junk()),
    st.fixed_dictionaries({}, optional={name: junk() for name in ("method", "url", "path", "body")}) | junk(),
    st.fixed_dictionaries({}, optional={"body": given_back | junk()}) | given_back | junk(),
)
@example({}, {"url": "http://[", "body": {"robotCode": "r"}}, {"body": {"processQueryKey": KEY}})
def test_whatever_pair_is_imported_is_a_message_or_an_invalid_one(
    fields: dict[str, Json], request: Json, response: Json
) -> None:
    try:
        message = capture_pair({"sentAt": "2026-03-04T02:00:00Z", "request": request, "response": response, **fields})
    except InvalidMessageError:
        return
    assert message.process_query_key


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", "no JSON", "5", None, [], b"[" * 100_000, '"x"'])
def test_an_answer_that_is_no_object_has_no_key(body: object) -> None:
    asked = {"robotCode": "dingbot"}
    assert capture(method="POST", url=ONE, request_body=asked, response_body=body, sent_at=NOW) is None


@pytest.mark.parametrize("key", [None, "", 0, [], {}])
def test_an_answer_without_a_key_makes_no_message(key: Json) -> None:
    assert captured(response={"processQueryKey": key}) is None


@pytest.mark.parametrize(
    ("request_body", "response", "detail"),
    [
        ({"robotCode": "r"}, {"processQueryKey": [KEY]}, "processQueryKey"),
        ({"robotCode": "r"}, {"processQueryKey": "k" * 1025}, "processQueryKey"),
        ({"robotCode": "r"}, {"processQueryKey": "k\x00"}, "processQueryKey"),
    ],
)
def test_a_key_that_is_none_is_invalid_and_named(request_body: object, response: object, detail: str) -> None:
    with pytest.raises(InvalidMessageError, match=detail):
        captured(request_body, response)


ASKED = {"robotCode": "r", "userIds": ["u1", "u2"], "msgKey": "k", "msgParam": "{}"}
TEXT = json.dumps(ASKED)


@pytest.mark.parametrize(
    "body",
    [
        TEXT,
        "\ufeff" + TEXT,
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("utf-16"),
        gzip.compress(TEXT.encode(), mtime=0),
        zlib.compress(TEXT.encode()),
        {"robotCode": "r", "userIds": ["u1", "u2", "", None, "u1"]},
        {"robotCode": "r", "userIds": '["u1", "u2"]'},
        {"robotCode": "r", "userIds": "u1,u2"},
        {"robotCode": "r", "userIds": " u1， u2;"},
        "robotCode=r&userIds=u1&userIds=u2",
        b"robotCode=r&userIds=u1%2Cu2&msgKey=sampleText",
        urlencode({"robotCode": "r", "userIds": '["u1","u2"]'}),
    ],
)
def test_a_request_is_read_however_it_was_written(body: object) -> None:
    message = captured(body)
    assert message is not None
    assert (message.robot_code, message.recipients) == ("r", ("u1", "u2"))


@pytest.mark.parametrize(
    ("users", "recipients"), [([5, 6.5, True, "u1"], ("5", "u1")), (7, ("7",)), ({"a": 1}, ()), (None, ()), ("", ())]
)
def test_ids_that_are_numbers_are_texts_and_what_is_no_id_is_left_out(users: Json, recipients: tuple[str, ...]) -> None:
    message = captured({"robotCode": "r", "userIds": users})
    assert message is not None
    assert message.recipients == recipients


@pytest.mark.parametrize("body", [b"", b"no JSON", b"\x1f\x8bdamaged", b"\xff\xfe\xff", DEEP, "5", None, {}, []])
@pytest.mark.parametrize(("url", "conversation"), [(ONE, None), (GROUP, UNKNOWN), (PRIVATE, UNKNOWN)])
def test_a_key_is_recorded_although_nothing_of_its_request_can_be_read(
    url: str, conversation: str | None, body: object
) -> None:
    message = capture(
        method="POST", url=url, request_body=body, response_body={"processQueryKey": KEY}, sent_at=NOW, campaign="c"
    )
    assert message is not None
    assert (message.process_query_key, message.robot_code, message.campaign) == (KEY, UNKNOWN, "c")
    assert (message.recipients, message.open_conversation_id) == ((), conversation)


@pytest.mark.parametrize("empty", [None, []])
def test_empty_lists_and_nulls_mean_nobody(empty: Json) -> None:
    message = captured({"robotCode": "r", "userIds": empty}, {"processQueryKey": KEY, "filteredStaffIdList": empty})
    assert message is not None
    assert (message.recipients, undelivered_of(message)) == ((), {})


def test_a_needless_conversation_does_not_lose_the_key_of_a_one_on_one_send() -> None:
    message = captured({"robotCode": "r", "userIds": ["u1"], "openConversationId": "cid"})
    assert message is not None
    assert (message.chat, message.open_conversation_id) == (Chat.ONE_TO_ONE, None)


PAIR: dict[str, Any] = {
    "request": {
        "method": "POST",
        "url": f"https://api.dingtalk.com{GROUP}",
        "body": SAMPLES["send_group"]["request"]["body"],
    },
    "response": {"status": 200, "body": SAMPLES["send_group"]["response"]["body"]},
    "sentAt": "2026-03-04T10:00:00+08:00",
    "campaign": "spring",
    "source": "hr",
}


@pytest.mark.parametrize(
    "request_part",
    [
        PAIR["request"],
        {**PAIR["request"], "body": json.dumps(PAIR["request"]["body"])},
        {"path": GROUP, "body": PAIR["request"]["body"]},
        {"body": PAIR["request"]["body"]},
        PAIR["request"]["body"],
    ],
)
def test_a_pair_is_read_in_each_form(request_part: dict[str, Any]) -> None:
    message = capture_pair({**PAIR, "request": request_part})
    assert (message.chat, message.open_conversation_id) == (Chat.GROUP, "cidSampleConversation==")
    assert (message.sent_at, message.campaign, message.source) == (NOW, "spring", "hr")


def test_the_response_of_a_pair_may_be_the_body_itself() -> None:
    assert capture_pair({**PAIR, "response": {"processQueryKey": "k"}}).process_query_key == "k"


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"request": None}, "`request` and a `response`"),
        ({"response": "x"}, "`request` and a `response`"),
        ({"sentAt": None}, "--sent-at"),
        ({"sentAt": "2026-03-04T10:00:00"}, "has no zone"),
        ({"response": {"body": {"code": "send.too.fast"}}}, "not a send call"),
        ({"request": {**PAIR["request"], "url": "http://["}}, "not a send call"),
        ({"request": {**PAIR["request"], "method": "GET"}}, "not a send call"),
    ],
)
def test_a_pair_that_makes_no_message_says_why(changes: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidMessageError, match=detail):
        capture_pair({**PAIR, **changes})


CARD_PAIR: dict[str, Any] = {
    "request": {"openSpaceId": "dtv1.card//IM_GROUP.cid1==;IM_ROBOT.ann", "robotCode": "dingbot"},
    "response": {"result": [{"spaceType": "IM_GROUP", "spaceId": "cid1==", "success": True, "carrierId": "k1"}]},
    "sentAt": "2026-03-04T10:00:00+08:00",
}


def test_a_pair_of_a_card_is_known_by_its_spaces_although_nobody_gave_its_path() -> None:
    message = capture_pair(CARD_PAIR)
    assert (message.process_query_key, message.chat, message.open_conversation_id) == ("k1", Chat.GROUP, "cid1==")


def test_a_card_that_went_to_several_chats_is_no_single_row_and_its_keys_are_named() -> None:
    robot = {"spaceType": "IM_ROBOT", "spaceId": "ann", "success": True, "carrierId": "k2"}
    response = {"result": [*CARD_PAIR["response"]["result"], robot]}
    with pytest.raises(InvalidMessageError, match=r"a row for each of its keys \(k1, k2\)"):
        capture_pair({**CARD_PAIR, "response": response})


def test_more_users_than_a_send_can_have_are_not_known_and_do_not_cost_the_key() -> None:
    message = captured({"robotCode": "r", "userIds": [f"u{number}" for number in range(RECIPIENTS_MAX + 1)]})
    assert message is not None
    assert (message.process_query_key, message.recipients) == (KEY, ())


@pytest.mark.parametrize(("key", "kept"), [(12345, "12345"), (7, "7")])
def test_a_key_that_was_written_as_a_number_is_a_text(key: int, kept: str) -> None:
    message = captured(response={"processQueryKey": key})
    assert message is not None
    assert message.process_query_key == kept


def test_an_id_that_was_written_as_a_long_number_is_kept_to_the_last_digit() -> None:
    message = captured({"robotCode": 10**200, "userIds": [10**19]})
    assert message is not None
    assert (message.robot_code, message.recipients) == (str(10**200), (str(10**19),))
