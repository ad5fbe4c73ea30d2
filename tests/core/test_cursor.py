"""Cursors: a page goes on where the last one ended, and no made-up text is taken for a place."""

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.cursor import LARGEST_ID, Place, decode, encode
from ledger.errors import BadCursorError

from .values import HOUR, NOW, Json, spans

single = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.just("2026-03-04T02:00:00Z")
)
moments = spans(-24 * HOUR, 24 * HOUR).map(lambda span: NOW + span)


@given(st.tuples(st.none() | moments, st.integers(0, LARGEST_ID)))
def test_a_place_is_the_same_when_it_comes_back_and_fits_into_an_address(place: Place) -> None:
    text = encode(place)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    assert decode(text, by_time=place[0] is not None) == place


def test_a_place_of_another_kind_of_list_is_none_of_this_one() -> None:
    for place, by_time in (((NOW, 7), False), ((None, 7), True)):
        with pytest.raises(BadCursorError):
            decode(encode(place), by_time=by_time)


@given(single | st.lists(single, max_size=3) | st.dictionaries(st.text(max_size=3), single, max_size=3), st.booleans())
def test_whatever_json_is_sent_it_is_a_place_or_a_bad_cursor(value: Json, by_time: bool) -> None:
    text = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    try:
        moment, number = decode(text, by_time=by_time)
    except BadCursorError:
        return
    assert (moment is not None) is by_time
    assert type(number) is int


@pytest.mark.parametrize("number", [-1, LARGEST_ID + 1, True, 1.0, "1", None])
def test_a_number_that_no_row_can_have_is_refused_before_a_database_sees_it(number: object) -> None:
    with pytest.raises(BadCursorError):
        decode(base64.urlsafe_b64encode(json.dumps([None, number]).encode()).decode(), by_time=False)


@pytest.mark.parametrize("text", ["", "A", "!!!!", "消息", encode((None, 7)) + "!", encode((None, 7))[:-2]])
def test_a_text_that_was_cut_or_made_up_is_refused(text: str) -> None:
    with pytest.raises(BadCursorError):
        decode(text, by_time=False)


def test_the_last_id_that_a_database_can_give_is_a_place() -> None:
    assert decode(encode((None, LARGEST_ID)), by_time=False) == (None, LARGEST_ID)
    assert decode(encode((NOW, 0)), by_time=True) == (NOW, 0)


def test_letters_that_are_in_no_address_are_not_passed_over() -> None:
    with pytest.raises(BadCursorError):
        decode("!" * 4 + encode((None, 7)), by_time=False)
