"""What a decision names: campaigns of which nothing is taken are no part of it."""

from ledger.core.named import meant_by, untaken
from ledger.entrypoints.formats.decisions import decision

SELECTED = {"campaigns": ["a", "b", "c", "d"], "robot": "r"}


def test_a_decision_names_only_campaigns_of_which_something_is_taken() -> None:
    assert [(one.kind, one.names, one.more) for one in meant_by(SELECTED, ["a", "d"])] == [
        ("campaign", ("a", "d"), 0),
        ("robot", ("r",), 0),
    ]
    assert untaken(SELECTED, ["a", "d"]) == ("b", "c")
    said = decision(3, 2, SELECTED, name=str, time=str, taken=["d"])
    assert said == "recall 3 messages of d sent by robot r from 2 people"


def test_where_nobody_knows_what_is_taken_or_it_is_nothing_all_that_was_selected_is_named() -> None:
    assert meant_by(SELECTED, None)[0].more == 2
    assert meant_by(SELECTED, [])[0].more == 2
    assert untaken(SELECTED, None) == ()
    assert untaken({"campaign": "a"}, []) == ()
