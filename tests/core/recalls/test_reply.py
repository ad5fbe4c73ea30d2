"""Reading answers: never a success that nobody stated, and a reading for every key, whatever JSON comes."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.core.answer import Answer, NoAnswer, error_of, read_proxy, read_refusal
from ledger.core.key_results import KeyReading
from ledger.core.limits import storable
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.reply import BAN_SECONDS, THROTTLE_SECONDS, Reading, Verdict, read
from ledger.core.recalls.unsent import NOT_SENT
from ledger.errors import (
    AddressNotAllowedError,
    CredentialsError,
    PausedError,
    PermissionDeniedError,
    ProxyRefusedError,
    QuotaUsedUpError,
)
from tests.core.values import SAMPLES, Json, junk

STATUSES = (200, 200, 200, 201, 302, 400, 400, 401, 403, 404, 408, 429, 500, 503)
CODES = (
    "invalid.processQueryKey",
    "notRevoke.all.messages",
    "robot.processQueryKey.expired",
    "invalidParameter.robotCode",
    "InvalidAuthentication",
    "Forbidden.AccessDenied.QpsLimitForApi",
    "Forbidden.AccessDenied.ApiCountLimitForOrg",
    "send.too.fast",
)
RECALL_PATHS = (
    "/v1.0/robot/otoMessages/batchRecall",
    "/v1.0/robot/oToMessages/batchRecall",
    "/v1.0/robot/groupMessages/recall",
    "/v1.0/robot/privateChatMessages/batchRecall",
)

key_lists = st.lists(st.sampled_from([f"k{number}" for number in range(9)]) | st.text(min_size=1), max_size=20)
results = st.fixed_dictionaries(
    {},
    optional={
        "successResult": st.lists(st.sampled_from(["k0", "k1", "k2", "K1", "k9"]) | junk(), max_size=6) | junk(),
        "failedResult": st.dictionaries(st.sampled_from(["k0", "k1", "k2", "k9"]), st.sampled_from(CODES) | junk())
        | junk(),
        "code": st.sampled_from(CODES) | junk(),
        "errcode": st.sampled_from([0, "0", 88, 40014, "42001", 90018, 90020, -1]) | junk(),
        "message": st.sampled_from(["k0 is wrong", ""]) | junk(),
        "status": st.just(1111) | junk(),
        "wait": junk(),
        "accessdenieddetail": st.fixed_dictionaries({"requiredScopes": junk()}) | junk(),
    },
)
texts = st.sampled_from(["", "<html>", " <", "\x00", "k0", "\ud800", "x" * 100_000])
answers = st.builds(Answer, status=st.sampled_from(STATUSES), body=results | junk(), text=texts)


def stated(answer: Answer, key: str) -> bool:
    """Say, in words of the documentation, whether an answer states that a key was recalled."""
    body = answer.body
    if answer.status != 200 or not isinstance(body, dict):
        return False
    done, failed = body.get("successResult"), body.get("failedResult")
    return isinstance(done, list) and key in done and not (isinstance(failed, (dict, str, list)) and key in failed)


def nested(levels: int) -> Json:
    """Return lists inside lists."""
    inner: Json = []
    for _ in range(levels):
        inner = [inner]
    return inner


@given(answers, key_lists)
@example(Answer(status=200, body={"successResult": "k0k1", "failedResult": None}), ["k0", "k1"])
@example(Answer(status=200, body={"successResult": {"k0": True}}), ["k0"])
@example(Answer(status=200, body={"successResult": [["k0"], {"k0": 1}, "k1"]}), ["k0", "k1"])
@example(Answer(status=200, body={"successResult": ["k0"], "failedResult": {"k0": None}}), ["k0"])
def test_whatever_comes_is_read_and_no_success_is_made_up(answer: Answer, keys: list[str]) -> None:
    reading = read(answer, keys)
    if reading.verdict is Verdict.ANSWERED:
        assert set(reading.keys) == set(keys)
    else:
        assert reading.keys == {}
    for key, said in reading.keys.items():
        assert (said.outcome is Outcome.RECALLED) <= stated(answer, key)
        assert said.outcome is not Outcome.CANCELLED


@pytest.mark.parametrize("value", [nested(5000), 10**5000], ids=["nested deeply", "a huge number"])
def test_what_python_cannot_even_write_down_is_still_read(value: Json) -> None:
    failed = read(Answer(status=200, body={"failedResult": {"k0": value}}), ["k0"])
    assert failed.keys["k0"].outcome is Outcome.REFUSED
    refused = read(Answer(status=400, body={"code": value, "message": value}), ["k0"])
    assert refused.keys["k0"].outcome is Outcome.REFUSED


@given(answers, key_lists)
def test_a_reading_holds_together(answer: Answer, keys: list[str]) -> None:
    reading = read(answer, keys)
    assert (reading.verdict is Verdict.PAUSE) is (reading.error is not None)
    assert (reading.verdict is Verdict.SPLIT) <= (len(keys) > 1)
    assert set(reading.suspects) <= set(keys)
    assert 0 <= reading.wait_seconds <= 3600
    assert (reading.wait_seconds > 0) is (reading.verdict in (Verdict.THROTTLED, Verdict.BANNED))
    if answer.status == 200 and reading.verdict is Verdict.TROUBLE:
        assert reading.may_have_worked
    if 300 <= answer.status < 500 and answer.status != 408:
        assert not reading.may_have_worked


@given(answers, key_lists)
def test_what_is_kept_of_an_answer_fits_into_every_database(answer: Answer, keys: list[str]) -> None:
    reading = read(answer, keys)
    kept = [reading.code, reading.reason, str(reading.error)]
    kept += [text for said in reading.keys.values() for text in (said.code, said.reason)]
    for text in kept:
        assert "\x00" not in (text or "")
        (text or "").encode("utf-8")


@given(
    st.lists(st.sampled_from(["k0", "k1", "k2", "k3", "stranger"])),
    st.dictionaries(st.sampled_from(["k0", "k1", "k2", "k3", "stranger"]), st.sampled_from(["no", *CODES])),
    st.booleans(),
)
def test_a_proper_answer_gives_each_key_what_it_says(done: list[str], failed: dict[str, str], nulls: bool) -> None:
    body = {"successResult": done or (None if nulls else []), "failedResult": failed or (None if nulls else {})}
    keys = ["k0", "k1", "k2", "k3"]
    reading = read(Answer(status=200, body=body), keys)
    assert list(reading.keys) == keys
    outcomes = {"notRevoke.all.messages": Outcome.PARTIAL, "robot.processQueryKey.expired": Outcome.EXPIRED}
    for key, said in reading.keys.items():
        if (key in done) == (key in failed):
            assert said.outcome is Outcome.UNKNOWN
        elif key in done:
            assert said == KeyReading(outcome=Outcome.RECALLED)
        else:
            reason = failed[key]
            assert said == KeyReading(outcome=outcomes.get(reason, Outcome.REFUSED), code="failedResult", reason=reason)


def test_a_key_in_neither_list_is_unknown() -> None:
    reading = read(Answer(status=200, body={"successResult": [], "failedResult": {}}), ["k1"])
    assert reading.keys["k1"].outcome is Outcome.UNKNOWN
    assert "neither" in (reading.keys["k1"].reason or "")


def test_a_key_in_both_lists_is_unknown() -> None:
    reading = read(Answer(status=200, body={"successResult": ["k1"], "failedResult": {"k1": "no"}}), ["k1"])
    assert reading.keys["k1"].outcome is Outcome.UNKNOWN
    assert "both" in (reading.keys["k1"].reason or "")


def test_keys_are_compared_letter_by_letter() -> None:
    reading = read(Answer(status=200, body={"successResult": ["AbC=", "xyz"]}), ["abc=", "xy"])
    assert {said.outcome for said in reading.keys.values()} == {Outcome.UNKNOWN}


def test_keys_that_nobody_asked_for_do_not_appear() -> None:
    reading = read(Answer(status=200, body={"successResult": ["k1", "k2"], "failedResult": {"k3": "no"}}), ["k1"])
    assert list(reading.keys) == ["k1"]


R, F, P, X, U = Outcome.RECALLED, Outcome.REFUSED, Outcome.PARTIAL, Outcome.EXPIRED, Outcome.UNKNOWN
EXPECTED: Mapping[str, tuple[Verdict, tuple[Outcome, ...]]] = {
    "ban_html": (Verdict.BANNED, ()),
    "ban_json": (Verdict.BANNED, ()),
    "empty_ok": (Verdict.TROUBLE, ()),
    "gateway_address_not_allowed": (Verdict.PAUSE, ()),
    "gateway_invalid_access_token": (Verdict.RENEW, ()),
    "gateway_invalid_authentication": (Verdict.RENEW, ()),
    "gateway_invalid_authentication_401": (Verdict.RENEW, ()),
    "gateway_permission_denied": (Verdict.PAUSE, ()),
    "gateway_qpm_limit_app_and_api": (Verdict.THROTTLED, ()),
    "gateway_qps_limit_api": (Verdict.THROTTLED, ()),
    "gateway_qps_limit_app_and_api": (Verdict.THROTTLED, ()),
    "gateway_qps_limit_suite_and_org": (Verdict.THROTTLED, ()),
    "gateway_quota_used_up": (Verdict.PAUSE, ()),
    "gateway_service_unavailable": (Verdict.THROTTLED, ()),
    "gateway_system_busy": (Verdict.THROTTLED, ()),
    "gateway_wrong_case": (Verdict.PAUSE, ()),
    "recall_error_capitalised": (Verdict.ANSWERED, (F,)),
    "recall_error_key_expired": (Verdict.ANSWERED, (X,)),
    "recall_error_key_invalid": (Verdict.ANSWERED, (F,)),
    "recall_error_key_missing": (Verdict.ANSWERED, ()),
    "recall_error_not_all_recalled": (Verdict.ANSWERED, (P,)),
    "recall_error_other_robot": (Verdict.ANSWERED, (F,)),
    "recall_error_over_max": (Verdict.SPLIT, ()),
    "recall_error_param_invalid": (Verdict.ANSWERED, (F,)),
    "recall_error_robot_code": (Verdict.ANSWERED, (F,)),
    "recall_error_system_error": (Verdict.TROUBLE, ()),
    **{
        f"recall_{chat}{case}": (Verdict.ANSWERED, outcomes)
        for chat in ("one_on_one", "group", "private")
        for case, outcomes in {
            "": (R, R),
            "_mixed": (R, F),
            "_neither": (R, U),
            "_null_failed": (R, R),
            "_null_success": (P,),
        }.items()
    },
}


def read_sample(name: str) -> Reading:
    """Read a documented answer to a recall call."""
    sample = SAMPLES[name]
    body = sample["response"]["body"]
    page = isinstance(body, str)
    answer = Answer(status=sample["response"]["status"], body=None if page else body, text=body if page else "")
    return read(answer, sample["request"]["body"].get("processQueryKeys", []))


def test_every_documented_answer_to_a_recall_is_in_the_table() -> None:
    assert set(EXPECTED) == {name for name, sample in SAMPLES.items() if sample["request"]["path"] in RECALL_PATHS}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_documented_answer_is_read_as_documented(name: str) -> None:
    reading, asked = read_sample(name), SAMPLES[name]["request"]["body"].get("processQueryKeys", [])
    assert (reading.verdict, tuple(said.outcome for said in reading.keys.values())) == EXPECTED[name]
    body = SAMPLES[name]["response"]["body"]
    if "code" in body:
        assert (reading.code, reading.reason) == (body["code"], body["message"])
    if reading.verdict is Verdict.ANSWERED:
        assert list(reading.keys) == asked


@pytest.mark.parametrize(
    ("name", "kind", "named"),
    [
        ("gateway_permission_denied", PermissionDeniedError, ["qyapi_robot_sendmsg", "developer console"]),
        ("gateway_address_not_allowed", AddressNotAllowedError, ["IpNotInWhiteList", "developer console"]),
        ("gateway_quota_used_up", QuotaUsedUpError, ["quota", "next month"]),
        ("gateway_wrong_case", PausedError, ["LEDGER_API_URL", "404"]),
    ],
)
def test_a_pause_says_what_was_refused_and_what_to_do(name: str, kind: type[PausedError], named: list[str]) -> None:
    error = read_sample(name).error
    assert type(error) is kind
    for part in [*named, SAMPLES[name]["response"]["body"]["code"], "`ledger resume`"]:
        assert part in str(error)


def test_wrong_credentials_name_the_variables_to_mend() -> None:
    sample = SAMPLES["access_token_invalid_client"]["response"]
    error = read_refusal(Answer(status=sample["status"], body=sample["body"]))
    assert isinstance(error, CredentialsError)
    assert "LEDGER_APP_KEY" in str(error)
    assert "LEDGER_APP_SECRET" in str(error)


@pytest.mark.parametrize("field", ["accessdenieddetail", "AccessDeniedDetail"])
def test_the_scopes_that_the_answer_asks_for_are_shown(field: str) -> None:
    body = {"code": "Forbidden.AccessDenied.AccessTokenPermissionDenied", field: {"requiredScopes": ["a_b", "c_d"]}}
    assert "Grant a_b, c_d in" in str(read(Answer(status=403, body=body), ["k"]).error)


@pytest.mark.parametrize("detail", [None, [], {}, {"requiredScopes": None}, {"requiredScopes": "x"}, "x"])
def test_without_named_scopes_the_known_one_is_shown(detail: Json) -> None:
    body = {"code": "Forbidden.AccessDenied.AccessTokenPermissionDenied", "accessdenieddetail": detail}
    assert "Grant qyapi_robot_sendmsg in" in str(read(Answer(status=403, body=body), ["k"]).error)


@pytest.mark.parametrize("sent", [True, False])
def test_no_answer_is_trouble_and_in_doubt_only_when_the_request_left(sent: bool) -> None:
    reading = read(NoAnswer(reason="cut", sent=sent), ["k1", "k2"])
    assert (reading.verdict, reading.reason, reading.may_have_worked) == (Verdict.TROUBLE, "cut", sent)
    assert reading.keys == {}


@pytest.mark.parametrize("status", [500, 502, 504, 503, 408])
def test_after_a_server_error_the_messages_may_be_gone(status: int) -> None:
    reading = read(Answer(status=status, body={"code": "system.error", "message": "unknown error"}), ["k1"])
    assert reading.verdict is (Verdict.THROTTLED if status == 503 else Verdict.TROUBLE)
    assert reading.may_have_worked


@pytest.mark.parametrize(
    ("code", "message", "suspects"),
    [
        ("invalid.processQueryKey", "k2 is not valid", ("k2",)),
        ("robot.processQueryKey.expired", "", ()),
        ("notRevoke.all.messages", "k1,k3", ("k1", "k3")),
        ("never.seen.before", "what", ()),
    ],
)
def test_a_400_that_one_of_several_keys_may_have_caused_is_split(
    code: str, message: str, suspects: tuple[str, ...]
) -> None:
    reading = read(Answer(status=400, body={"code": code, "message": message}), ["k1", "k2", "k3"])
    assert (reading.verdict, reading.suspects) == (Verdict.SPLIT, suspects)


@pytest.mark.parametrize(
    ("code", "documented"),
    [
        ("invalid.processQueryKey", True),
        ("robot.processQueryKey.expired", True),
        ("notRevoke.all.messages", True),
        ("not.allowed.robotCode", True),
        ("invalidParameter.processQueryKeys.overMax", True),
        ("never.seen.before", False),
        ("INVALID.PROCESSQUERYKEY", False),
    ],
)
def test_a_refusal_that_no_page_explains_is_marked(code: str, documented: bool) -> None:
    assert read(Answer(status=400, body={"code": code}), ["k1", "k2"]).is_documented is documented


def test_an_unknown_robot_refuses_every_key_without_a_split() -> None:
    body = {"code": "invalidParameter.robotCode", "message": "no such robot"}
    reading = read(Answer(status=400, body=body), ["k1", "k2"])
    assert reading.verdict is Verdict.ANSWERED
    assert [said.outcome for said in reading.keys.values()] == [F, F]


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [(5, 300), (1, 60), (0, BAN_SECONDS), (-1, BAN_SECONDS), ("5", BAN_SECONDS), (10**9, BAN_SECONDS), (None, 300)],
)
def test_a_ban_is_waited_for_as_long_as_it_says_within_reason(wait: Json, seconds: float) -> None:
    assert read(Answer(status=200, body={"status": 1111, "wait": wait}), ["k"]).wait_seconds == seconds


@pytest.mark.parametrize("status", [200, 403, 429])
def test_a_page_where_json_belongs_is_a_ban(status: int) -> None:
    assert read(Answer(status=status, text="\n <html>blocked</html>"), ["k"]).verdict is Verdict.BANNED


@pytest.mark.parametrize("code", ["send.too.fast", "send.byToken.tooFast"])
def test_a_bot_that_is_too_fast_is_throttled_although_it_is_a_400(code: str) -> None:
    assert read(Answer(status=400, body={"code": code}), ["k1", "k2"]).verdict is Verdict.THROTTLED


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("消息 has been recalled", "消息 has been recalled"),
        ("a\x00b", "a\ufffdb"),
        ("a\ud800b", "a?b"),
        (None, "null"),
        ({"why": ["x"]}, '{"why": ["x"]}'),
    ],
)
def test_reasons_are_kept_verbatim_but_for_what_no_database_holds(value: Json, text: str) -> None:
    assert storable(value) == text


def test_the_body_of_an_answer_does_not_show() -> None:
    body: Any = {"accessToken": "a-token-that-nobody-may-see"}
    assert "nobody-may-see" not in repr(Answer(status=200, body=body))


GONE, THERE = ["k1", "k2"], ["k3"]
ODD_FAILURES: list[tuple[Json, tuple[Outcome, ...]]] = [
    (None, (R, R, U)),
    ([], (R, R, U)),
    ("", (R, R, U)),
    ("system busy", (R, R, U)),
    (7, (R, R, U)),
    (["k3"], (R, R, F)),
    ("k3", (R, R, F)),
    ([{"processQueryKey": "k3", "reason": "SYSTEM_ERROR"}], (R, R, F)),
    ([{"processQueryKey": "k3", "reason": "notRevoke.all.messages"}], (R, R, P)),
    ([{"k3": "robot.processQueryKey.expired"}], (R, R, X)),
    ({"list": ["k3"], "other": 3}, (R, R, U)),
    ({"0": {"key": "k3", "reason": "no"}}, (R, R, F)),
    (["k2", "k3"], (R, U, F)),
    ([["k3"], None, {"k3": None}], (R, R, F)),
]


@pytest.mark.parametrize(("failed", "outcomes"), ODD_FAILURES, ids=lambda value: str(value)[:40])
def test_a_failure_of_an_odd_shape_hides_no_success(failed: Json, outcomes: tuple[Outcome, ...]) -> None:
    reading = read(Answer(status=200, body={"successResult": GONE, "failedResult": failed}), GONE + THERE)
    assert tuple(said.outcome for said in reading.keys.values()) == outcomes


def test_why_a_key_failed_is_kept_verbatim_in_whatever_shape() -> None:
    body = {"failedResult": [{"processQueryKey": "k3", "reason": "消息"}], "successResult": None}
    assert read(Answer(status=200, body=body), THERE).keys["k3"].reason == '{"processQueryKey": "k3", "reason": "消息"}'


ERRCODES: list[tuple[Json, Verdict, type[PausedError] | None]] = [
    ({"errcode": 40014, "errmsg": "invalid access_token"}, Verdict.RENEW, None),
    ({"errcode": "42001", "errmsg": "expired"}, Verdict.RENEW, None),
    ({"errcode": 88, "errmsg": "ding talk error[subcode=40014,submsg=invalid]"}, Verdict.RENEW, None),
    ({"errcode": 88, "sub_code": "90018", "sub_msg": "too fast", "errmsg": "x"}, Verdict.THROTTLED, None),
    ({"errcode": 90018, "errmsg": "too fast"}, Verdict.THROTTLED, None),
    ({"errcode": 90002, "errmsg": "too fast"}, Verdict.THROTTLED, None),
    ({"errcode": 90020, "errmsg": "month"}, Verdict.PAUSE, QuotaUsedUpError),
    ({"errcode": 60020, "errmsg": "ip"}, Verdict.PAUSE, AddressNotAllowedError),
    ({"errcode": 60011, "errmsg": "no right"}, Verdict.PAUSE, PermissionDeniedError),
    ({"errcode": 88, "errmsg": "who knows"}, Verdict.TROUBLE, None),
    ({"errcode": -1, "errmsg": "system busy"}, Verdict.TROUBLE, None),
    ({"errcode": 400002, "errmsg": "bad", "successResult": ["k1"]}, Verdict.TROUBLE, None),
    ({"errcode": 0, "errmsg": "ok", "successResult": ["k1"]}, Verdict.ANSWERED, None),
    ({"errcode": 0, "errmsg": "ok"}, Verdict.TROUBLE, None),
]


@pytest.mark.parametrize(("body", "verdict", "kind"), ERRCODES, ids=lambda value: str(value)[:40])
def test_an_error_of_the_older_api_is_read_as_the_error_that_it_is(
    body: dict[str, Json], verdict: Verdict, kind: type[PausedError] | None
) -> None:
    reading = read(Answer(status=200, body=body), ["k1"])
    assert reading.verdict is verdict
    assert type(reading.error) is (kind or type(None))
    if verdict is Verdict.TROUBLE:
        assert reading.may_have_worked
    if verdict not in (Verdict.ANSWERED, Verdict.TROUBLE):
        assert reading.reason == body["errmsg"]


# The history keeps these for years, and people search it for them.
CODES_KEPT: list[tuple[Answer | NoAnswer, Verdict, str | None, str | None, bool]] = [
    (NoAnswer(reason="cut"), Verdict.TROUBLE, "no_answer", "cut", True),
    (NoAnswer(reason="no route", sent=False), Verdict.TROUBLE, NOT_SENT, "no route", False),
    (Answer(status=200, text="ok"), Verdict.TROUBLE, "no_result", "a 200 that names no result: ok", True),
    (Answer(status=200, body={"errcode": 0}), Verdict.TROUBLE, "no_result", "a 200 that names no result: ", True),
    (Answer(status=200, body={"status": 1111}, text="wait"), Verdict.BANNED, "banned", "wait", False),
    (Answer(status=403, body={"punish": "deny"}), Verdict.BANNED, "banned", None, False),
    (Answer(status=429, text="slow"), Verdict.THROTTLED, "http_429", "slow", False),
    (Answer(status=503, body={"Code": "busy", "Message": "soon"}), Verdict.THROTTLED, "busy", "soon", True),
    (Answer(status=401, body={"code": "c", "message": "m"}), Verdict.RENEW, "c", "m", False),
    (Answer(status=502, text="<html>bad gateway"), Verdict.TROUBLE, "http_502", "<html>bad gateway", True),
    (Answer(status=408), Verdict.TROUBLE, "http_408", "", True),
    (Answer(status=200, body={"errcode": -1, "errmsg": "busy"}), Verdict.TROUBLE, "-1", "busy", True),
    (Answer(status=403, body={"code": "no", "message": "way"}), Verdict.PAUSE, "no", "way", False),
    (Answer(status=405, text="x"), Verdict.PAUSE, "http_405", "x", False),
    (Answer(status=302, proxy="http://p:1", text="go there"), Verdict.PAUSE, "proxy", "go there", False),
]


@pytest.mark.parametrize(
    ("answer", "verdict", "code", "reason", "doubt"), CODES_KEPT, ids=lambda value: str(value)[:40]
)
def test_what_the_history_keeps_of_an_answer_is_its_code_and_its_own_words(
    answer: Answer | NoAnswer, verdict: Verdict, code: str | None, reason: str | None, doubt: bool
) -> None:
    reading = read(answer, ["k1", "k2"])
    kept = (reading.verdict, reading.code, reading.reason, reading.may_have_worked)
    assert kept == (verdict, code, reason, doubt)
    assert reading.wait_seconds == {Verdict.THROTTLED: THROTTLE_SECONDS, Verdict.BANNED: BAN_SECONDS}.get(verdict, 0)


def test_a_single_key_that_is_refused_keeps_the_code_and_the_reason_of_its_call() -> None:
    body = {"code": "invalid.processQueryKey", "message": "no such key"}
    reading = read(Answer(status=400, body=body), ["k1"])
    assert (reading.code, reading.reason) == ("invalid.processQueryKey", "no such key")
    assert reading.keys == {"k1": KeyReading(outcome=F, code="invalid.processQueryKey", reason="no such key")}


@pytest.mark.parametrize(
    ("done", "failed", "reading"),
    [
        (["k1"], {}, KeyReading(outcome=R)),
        ("k1", None, KeyReading(outcome=R)),
        (("k1",), ("k2",), KeyReading(outcome=R)),
        ([], ["k1"], KeyReading(outcome=F, code="failedResult", reason="named in failedResult without a reason")),
        ([], ("k1",), KeyReading(outcome=F, code="failedResult", reason="named in failedResult without a reason")),
        ([], {"k1": {"reason": "notRevoke.all.messages"}}, P),
        (
            ["k1"],
            ["k1"],
            KeyReading(
                outcome=U, code="not_stated", reason="the answer has the key both in successResult and failedResult"
            ),
        ),
        (
            None,
            None,
            KeyReading(
                outcome=U, code="not_stated", reason="the answer has the key in neither successResult nor failedResult"
            ),
        ),
    ],
)
def test_a_key_keeps_which_side_of_the_answer_named_it(done: Json, failed: Json, reading: KeyReading | Outcome) -> None:
    found = read(Answer(status=200, body={"successResult": done, "failedResult": failed}), ["k1"]).keys["k1"]
    assert (found if isinstance(reading, KeyReading) else found.outcome) == reading


@pytest.mark.parametrize("side", ["successResult", "failedResult"])
def test_a_result_of_one_side_alone_is_a_result(side: str) -> None:
    assert read(Answer(status=200, body={side: None}), ["k1"]).verdict is Verdict.ANSWERED


@pytest.mark.parametrize(
    ("body", "text", "said"),
    [
        ({"code": "a", "Code": "b", "message": "c", "Message": "d"}, "", ("a", "c")),
        ({"Code": "b", "Message": "d", "errmsg": "e"}, "", ("b", "d")),
        ({"errcode": 7, "errmsg": "e"}, "", ("7", "e")),
        ({"errcode": 0, "errmsg": "ok"}, "", ("http_418", "ok")),
        ({"code": "", "message": ""}, "tea", ("http_418", "tea")),
        ({"code": {"a": 1}, "message": ["b"]}, "", ('{"a": 1}', '["b"]')),
        (["code"], "x" * 201, ("http_418", "x" * 200)),
        (None, "", ("http_418", "")),
    ],
)
def test_an_error_is_named_by_what_its_body_says_or_else_by_its_status(
    body: Json, text: str, said: tuple[str, str]
) -> None:
    assert error_of(Answer(status=418, body=body, text=text)) == said


# Numbers of errors, as the older API writes them, and what is none.
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"errcode": 40014}, "40014"),
        ({"errcode": "-1"}, "-1"),
        ({"errcode": "000"}, "http_200"),
        ({"errcode": "-0"}, "http_200"),
        ({"errcode": True}, "http_200"),
        ({"errcode": 10**9}, "http_200"),
        ({"errcode": 10**9 - 1}, "999999999"),
        ({"errcode": "٣"}, "http_200"),
        ({"errcode": "12a"}, "http_200"),
        ({"errcode": 4.5}, "http_200"),
        ({"errcode": 88, "errmsg": "x[subcode=5,submsg=y]"}, "5"),
        ({"errcode": 88, "sub_code": 6, "errmsg": "x[subcode=5,submsg=y]"}, "6"),
        ({"errcode": 88}, "88"),
        ({"errcode": 88, "sub_code": 0, "errmsg": ["subcode=5"]}, "5"),
        ({"errcode": 89, "sub_code": 6}, "89"),
    ],
)
def test_an_error_number_is_one_however_it_is_written(body: Json, code: str) -> None:
    assert error_of(Answer(status=200, body=body))[0] == code


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (403, "Forbidden.AccessDenied.QpsLimitForApi", Verdict.THROTTLED),
        (403, "forbidden.accessdenied.qpmlimitforapi", Verdict.THROTTLED),
        (403, "send.too.fast", Verdict.PAUSE),
        (400, "Forbidden.AccessDenied.QpsLimitForApi", Verdict.SPLIT),
        (400, "SEND.TOO.FAST", Verdict.THROTTLED),
        (404, "send.tooFast", Verdict.PAUSE),
        (400, "InvalidAuthentication", Verdict.RENEW),
        (400, "invalidAccessToken", Verdict.RENEW),
        (403, "InvalidAuthentication", Verdict.PAUSE),
        (401, "whatever", Verdict.RENEW),
    ],
)
def test_the_code_counts_only_with_the_status_that_it_comes_with(status: int, code: str, verdict: Verdict) -> None:
    assert read(Answer(status=status, body={"code": code}), ["k1", "k2"]).verdict is verdict


@pytest.mark.parametrize(("minutes", "seconds"), [(0.5, 30), (60, 3600), (60.1, BAN_SECONDS), (True, 60)])
def test_a_ban_lasts_at_most_an_hour_whatever_it_says(minutes: Json, seconds: float) -> None:
    assert read(Answer(status=200, body={"punish": "deny", "wait": minutes}), ["k"]).wait_seconds == seconds


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(404, Verdict.PAUSE), (410, Verdict.PAUSE), (302, Verdict.PAUSE), (499, Verdict.BANNED), (500, Verdict.TROUBLE)],
)
def test_a_page_of_an_address_that_is_no_endpoint_or_of_a_failing_server_is_no_ban(
    status: int, verdict: Verdict
) -> None:
    assert read(Answer(status=status, text="<html>"), ["k1"]).verdict is verdict


@pytest.mark.parametrize("body", [{"status": "1111"}, {"status": 1110}, {"punish": "allow"}])
def test_a_body_that_speaks_of_no_ban_is_none(body: Json) -> None:
    assert read(Answer(status=400, body=body, text="<"), ["k1"]).verdict is Verdict.ANSWERED


PROXY = "http://proxy.corp:3128"
PAGE = "<html><TITLE> Access\n denied </TITLE>"


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (Answer(status=407, text="login"), "the proxy on the way does not let calls through (407 login)"),
        (Answer(status=511), "the proxy on the way does not let calls through (511)"),
        (Answer(status=407, proxy=PROXY), f"the proxy {PROXY} does not let calls through (407)"),
        (Answer(status=403, proxy=PROXY, text=PAGE), f"{PROXY} does not let calls through (403 Access denied)"),
        (Answer(status=200, proxy=PROXY, text=" <html>hi"), "(200 <html>hi)"),
        (Answer(status=300, proxy=PROXY, text="x" * 201), f"(300 {'x' * 200})"),
        (Answer(status=399, proxy=PROXY), "(399)"),
    ],
)
def test_a_proxy_that_answers_in_place_of_dingtalk_is_named_with_what_it_said(answer: Answer, named: str) -> None:
    error = read_proxy(answer)
    assert isinstance(error, ProxyRefusedError)
    assert named in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=407, request_id="r1"),
        Answer(status=403, proxy=PROXY, request_id="r1", text=PAGE),
        Answer(status=403, text=PAGE),
        Answer(status=302),
        Answer(status=403, proxy=PROXY, text='{"code": "no"}'),
        Answer(status=400, proxy=PROXY),
        Answer(status=500, proxy=PROXY, text=PAGE),
        Answer(status=299, proxy=PROXY),
    ],
)
def test_what_dingtalk_answers_itself_is_no_word_of_a_proxy(answer: Answer) -> None:
    assert read_proxy(answer) is None
