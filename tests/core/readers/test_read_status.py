"""What a read status proves of an item that ended in doubt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.answer import Answer, NoAnswer
from ledger.core.key_results import KeyReading
from ledger.core.readers.read_status import ReadPage, SendStatus, read_page, settle_by_status
from ledger.core.recalls.recall import Outcome
from ledger.core.recording.message import Chat
from tests.core.values import SAMPLES, Json, junk

DOUBTFUL = (Outcome.UNKNOWN, Outcome.PARTIAL)
EXPECTED: dict[str, tuple[Outcome | None, Outcome | None]] = {
    "read_status_success": (Outcome.REFUSED, None),
    "read_status_misspelt_success": (Outcome.REFUSED, None),
    "read_status_recalled": (Outcome.RECALLED, Outcome.RECALLED),
    "read_status_processing": (None, None),
    "read_status_expired": (None, None),
}


def test_every_documented_read_status_is_in_the_table() -> None:
    assert set(EXPECTED) == {name for name in SAMPLES if name.startswith("read_status")}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_documented_status_settles_what_it_proves_and_no_more(name: str) -> None:
    response = SAMPLES[name]["response"]
    answer = Answer(status=response["status"], body=response["body"])
    readings = [settle_by_status(outcome, answer) for outcome in DOUBTFUL]
    assert tuple(reading and reading.outcome for reading in readings) == EXPECTED[name]


@given(
    st.sampled_from(DOUBTFUL),
    st.sampled_from([200, 400, 403, 500]),
    junk() | st.fixed_dictionaries({"sendStatus": st.sampled_from(["RECALLED", "SUCCESS", "recalled"]) | junk()}),
)
def test_whatever_comes_only_a_stated_recall_is_one(outcome: Outcome, status: int, body: Json) -> None:
    reading = settle_by_status(outcome, Answer(status=status, body=body))
    stated = status == 200 and isinstance(body, dict) and body.get("sendStatus") == "RECALLED"
    assert (reading is not None and reading.outcome is Outcome.RECALLED) is stated


@pytest.mark.parametrize("sent", [True, False])
def test_no_answer_proves_nothing(sent: bool) -> None:
    assert [settle_by_status(outcome, NoAnswer(reason="cut", sent=sent)) for outcome in DOUBTFUL] == [None, None]


@pytest.mark.parametrize(
    ("status", "reading"),
    [
        ("RECALLED", KeyReading(outcome=Outcome.RECALLED, code="readStatus", reason="RECALLED")),
        (
            "SUCCESS",
            KeyReading(outcome=Outcome.REFUSED, code="readStatus", reason="SUCCESS: the message is still there"),
        ),
        ("SUCESS", KeyReading(outcome=Outcome.REFUSED, code="readStatus", reason="SUCESS: the message is still there")),
        ("success", None),
        (None, None),
    ],
)
def test_what_was_found_out_keeps_the_status_in_its_own_word(status: str | None, reading: KeyReading | None) -> None:
    assert settle_by_status(Outcome.UNKNOWN, Answer(status=200, body={"sendStatus": status})) == reading
    # It settles an item that people were told nothing of: an error with the same body does not.
    assert settle_by_status(Outcome.UNKNOWN, Answer(status=500, body={"sendStatus": status})) is None
    assert settle_by_status(Outcome.UNKNOWN, Answer(status=200, body=status)) is None


NOBODY_SAYS = ReadPage(status=None, readers=None)
SUCCESS, RECALLED = SendStatus.SUCCESS, SendStatus.RECALLED


def page(chat: Chat, **body: object) -> ReadPage:
    return read_page(chat, Answer(status=200, body=body))


def test_of_a_one_on_one_message_everybody_is_told_read_or_not() -> None:
    listed = [{"userId": "u1", "readStatus": "READ"}, {"userId": "u2", "readStatus": "UNREAD"}]
    found = page(Chat.ONE_TO_ONE, sendStatus="SUCESS", messageReadInfoList=listed)
    assert found == ReadPage(status=SUCCESS, readers=frozenset({"u1"}), unread=1)


@pytest.mark.parametrize(
    "listed", [None, [], "u1", [{"userId": "u1"}], [{"userId": "u1", "readStatus": "SOON"}], [{"readStatus": "READ"}]]
)
def test_a_list_that_says_nothing_clear_of_somebody_tells_of_nobody(listed: object) -> None:
    assert page(Chat.ONE_TO_ONE, sendStatus="SUCCESS", messageReadInfoList=listed).readers is None


@pytest.mark.parametrize("chat", [Chat.GROUP, Chat.PRIVATE])
def test_in_a_conversation_readers_alone_are_told_and_whether_there_are_more(chat: Chat) -> None:
    found = page(chat, sendStatus="SUCCESS", readUserIds=["u1", "u1", "u2"], hasMore=True, nextToken="t")
    assert found == ReadPage(status=SUCCESS, readers=frozenset({"u1", "u2"}), next_token="t")
    assert page(chat, sendStatus="SUCCESS", readUserIds=["u1"], hasMore=False, nextToken="t").next_token is None
    # Some cannot be asked for: how many there are is not known.
    assert page(chat, sendStatus="SUCCESS", readUserIds=["u1"], hasMore=True, nextToken=None).readers is None


@pytest.mark.parametrize(
    ("body", "readers"),
    [
        ({"sendStatus": "SUCCESS", "readUserIds": None}, frozenset()),
        ({"sendStatus": "SUCCESS", "readUserIds": []}, frozenset()),
        ({"sendStatus": "SUCCESS"}, None),
        ({"sendStatus": "SUCCESS", "readUserIds": "u1"}, None),
        ({"sendStatus": "RECALLED", "readUserIds": []}, None),
        ({"sendStatus": "RECALLED", "readUserIds": ["u1"]}, frozenset({"u1"})),
    ],
)
def test_nobody_named_is_nobody_but_after_a_recall_and_a_field_that_lacks_says_nothing(
    body: dict[str, object], readers: frozenset[str] | None
) -> None:
    assert page(Chat.GROUP, **body).readers == readers


@given(st.sampled_from(list(Chat)), st.sampled_from([200, 400, 500]), junk())
def test_whatever_comes_no_reader_is_made_up(chat: Chat, status: int, body: Json) -> None:
    found = read_page(chat, Answer(status=status, body=body))
    if status != 200 or not isinstance(body, dict):
        assert found == NOBODY_SAYS
    assert found.unread is None or found.readers is not None
