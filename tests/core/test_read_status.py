"""What a read status proves of an item that ended in doubt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.answer import Answer, NoAnswer
from ledger.core.key_results import KeyReading
from ledger.core.read_status import settle_by_status
from ledger.core.recall import Outcome

from .values import SAMPLES, Json, junk

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
