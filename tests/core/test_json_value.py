"""Values as doors show them: fields by name, times in UTC, and nothing that hides what stands beside it."""

import json
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.campaigns.campaign import CampaignLine, no_messages
from ledger.core.check_up import Check, CheckUp, Level, failed, ok, warning
from ledger.core.json_value import jsonable, printable, printable_json
from ledger.core.recalls.approval import Approval
from ledger.core.recalls.recall import Outcome

from .values import NOW, a_route


def test_a_value_shows_its_fields_by_name_down_to_the_values_inside_it() -> None:
    shown = jsonable(
        {"approval": Approval(requested_at=NOW), "robots": {a_route().robot_code: 2}, "late": (NOW, [None])}
    )
    assert json.loads(json.dumps(shown)) == {
        "approval": {
            "needed": True,
            "requested_by": None,
            "requested_at": "2026-03-04T02:00:00Z",
            "valid_until": None,
            "approved_by": None,
            "approved_at": None,
            "refused_by": None,
            "refused_at": None,
            "refusal": None,
        },
        "robots": {"dingbot": 2},
        "late": ["2026-03-04T02:00:00Z", [None]],
    }


def test_times_of_any_zone_are_shown_in_utc_and_names_are_texts() -> None:
    assert jsonable(NOW.astimezone(timezone(timedelta(hours=8)))) == "2026-03-04T02:00:00Z"
    assert jsonable({7: Outcome.RECALLED}) == {"7": "recalled"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("消息 🙂 a", "消息 🙂 a"), ("a\x1b[2Jb", r"a\x1b[2Jb"), ("a\u202eb", r"a\u202eb"), ("a\nb\tc", r"a\nb\tc")],
)
def test_letters_that_do_not_print_are_shown_as_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    "text", [FAMILY, "\u2764\ufe0f\u200d\U0001f525", "\U0001f469\U0001f3fd\u200d\u2695\ufe0f", f"春节 {FAMILY}！"]
)
def test_pictures_that_are_joined_to_one_are_shown_as_one(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u200db", r"a\u200db"),
        ("\U0001f468\u200d", "\U0001f468" + r"\u200d"),
        ("\u200d\U0001f468", r"\u200d" + "\U0001f468"),
        ("a\ufe0f\u200d\U0001f468", "a\ufe0f" + r"\u200d" + "\U0001f468"),
        ("\U0001f468\u200d\u200d\U0001f469", "\U0001f468" + r"\u200d\u200d" + "\U0001f469"),
        (f"{FAMILY}\u202e\u200bx", FAMILY + r"\u202e\u200bx"),
        ("\U0001f3f4\U000e0067\U000e007f", "\U0001f3f4" + r"\U000e0067\U000e007f"),
    ],
)
def test_what_cannot_be_seen_is_an_escape_wherever_it_joins_no_pictures(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5))
def test_json_for_a_terminal_prints_whole_and_means_the_same(value: object) -> None:
    document = printable_json(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(document) == value
    assert document.replace("\n", "").isprintable()


def test_json_for_a_terminal_leaves_letters_of_any_script_as_they_are() -> None:
    assert printable_json('"春节 é 😀"') == '"春节 é 😀"'
    assert printable_json('"\U000e0001\u202e\x7f"') == r'"\udb40\udc01\u202e\u007f"'


def test_a_check_up_is_ok_until_something_failed_and_keeps_what_is_only_a_warning() -> None:
    clock, spool, key = ok("clock", "exact"), warning("spool", "3 wait"), failed("key", "wrong")
    assert clock == Check(name="clock", ok=True, level=Level.OK, found="exact")
    assert spool == Check(name="spool", ok=True, level=Level.WARNING, found="3 wait")
    assert key == Check(name="key", ok=False, level=Level.FAILED, found="wrong")
    assert CheckUp.of(iter([clock, spool])) == CheckUp(ok=True, checks=(clock, spool))
    assert CheckUp.of([clock, key, spool]) == CheckUp(ok=False, checks=(clock, key, spool))


def test_a_campaign_of_which_every_key_was_lost_is_a_line_of_zeros() -> None:
    assert no_messages("spring") == CampaignLine(
        campaign="spring",
        messages=0,
        recipients=0,
        recallable=0,
        recalled=0,
        first_deadline=None,
        last_deadline=None,
        people=0,
    )
