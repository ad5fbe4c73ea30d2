"""Another name for a person in JSON: in its texts, and in nothing that only looks like their id."""

import json
from typing import Any

import pytest

from ledger.core.persons.renaming import renaming


@pytest.mark.parametrize(
    ("user", "before", "after"),
    [
        ("8", {"eligible": 8, "recalls": [8, 18]}, None),
        ("53", {"at": "2026-03-01T08:53:08+08:00"}, None),
        ("08", {"at": "2026-03-01T08:53:08+08:00"}, None),
        ("status", {"status": "finished", "by_status": {"status": 1}}, None),
        ("8", {"userIds": ["8", "18"], "n": 8}, {"userIds": ["?", "18"], "n": 8}),
        ("8", {"userIds": [8, 18], "user": 8}, {"userIds": ["?", 18], "user": "?"}),
        ("8", {"detail": "to 8: not sent"}, {"detail": "to ?: not sent"}),
        ("8", {"body": '{"n":8,"userIds":["8"]}'}, {"body": '{"n":8,"userIds":["?"]}'}),
        ("li.si", {"by_campaign": {"to li.si": 3}}, {"by_campaign": {"to ?": 3}}),
        ("安安", {"userIds": ["安安", "李"]}, {"userIds": ["?", "李"]}),
        ("li", {"unreadable": '{"userIds":["li"'}, {"unreadable": '{"userIds":["?"'}),
    ],
)
def test_only_texts_that_name_the_person_get_the_other_name(user: str, before: Any, after: Any) -> None:
    renamed = renaming(user, "?")
    for text in (json.dumps(before), json.dumps(before, ensure_ascii=False, indent=1)):
        changed = renamed(text)
        assert json.loads(changed) == (before if after is None else after)
        assert (changed == text) == (after is None)


def test_what_is_no_json_or_too_deep_for_it_is_a_text() -> None:
    renamed = renaming("li", "?")
    assert renamed('["li", li') == '["?", ?'
    assert renamed("[" * 100_000 + '"li"') == "[" * 100_000 + '"?"'
    assert renamed("[" * 5_000 + '"li"' + "]" * 5_000) == "[" * 5_000 + '"?"' + "]" * 5_000
