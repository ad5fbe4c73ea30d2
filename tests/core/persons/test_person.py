"""People in the proof: what they are named by, and where an id is a word of its own."""

import pytest

from ledger.core.persons.person import commitments_of, committed, mentions_of, replaced, seal_of, users_in

ONE, OTHER = b"1" * 32, b"2" * 32


def test_a_commitment_is_the_same_for_one_secret_alone_and_different_for_each_person() -> None:
    mine = commitments_of(ONE, ["ann", "bob", "安"])
    assert mine == commitments_of(ONE, ["ann", "bob", "安"])
    assert len({*mine.values(), *commitments_of(OTHER, ["ann", "bob", "安"]).values()}) == 6
    assert {len(one) for one in mine.values()} == {32}


def test_a_seal_depends_on_the_secret_and_on_each_pair() -> None:
    pairs = [("ann", "a" * 32), ("bob", "b" * 32)]
    seals = {
        seal_of(ONE, pairs),
        seal_of(OTHER, pairs),
        seal_of(ONE, pairs[:1]),
        seal_of(ONE, [*pairs[:1], ("bob", "a" * 32)]),
    }
    assert len(seals) == 4


@pytest.mark.parametrize(
    ("cells", "users"),
    [
        ([["ann", "bob"], ["ann"]], {"ann", "bob"}),
        ([{"invalid": ["ann"], "filtered": ["bob"]}, {}], {"ann", "bob"}),
        (["no json", None, 7, ["ann", 7, None], {"invalid": "bob", "filtered": ["zoe"]}], {"ann", "zoe"}),
        ([["ann", ["bob"]]], {"ann"}),
    ],
)
def test_users_are_found_whatever_somebody_wrote_beside_them(cells: list[object], users: set[str]) -> None:
    assert users_in(cells) == users


def test_a_cell_is_covered_by_commitments_in_its_order_and_what_has_none_is_like_no_other() -> None:
    known = {"ann": "a" * 32, "bob": "b" * 32}
    assert committed(["bob", "ann"], known) == f"{'b' * 32} {'a' * 32}"
    assert committed({"invalid": ["ann"]}, known) == {"invalid": "a" * 32}
    assert committed({}, known) == {}
    assert committed("no json", known) == "no json"
    for other in (["ann", "zoe"], ["ann", ["bob"]], ["a" * 32]):
        assert committed(other, known) not in (committed(["ann"], known), committed(["ann", "bob"], known))


def test_one_user_gets_another_name_in_the_same_place() -> None:
    assert replaced(["bob", "ann", "ann2"], "ann", "x") == ["bob", "x", "ann2"]
    assert replaced({"invalid": ["ann"], "filtered": []}, "ann", "x") == {"invalid": ["x"], "filtered": []}


@pytest.mark.parametrize(
    ("text", "is_mentioned"),
    [
        ("to li.si.", True),
        ("发给li.si的消息", True),
        ('{"users":["li.si"]}', True),
        ("li.si, li.si2", True),
        ("li.si2", False),
        ("ali.si", False),
        ("li.si.chen", False),
        ("li.si@example.com", False),
        ("lixsi", False),
    ],
)
def test_an_id_is_mentioned_where_it_is_a_word_of_its_own(text: str, is_mentioned: bool) -> None:
    assert (mentions_of("li.si").search(text) is not None) == is_mentioned


def test_an_id_is_found_as_json_writes_it() -> None:
    assert mentions_of("安安").search('"\\u5b89\\u5b89"')
    assert mentions_of('a"b').search('["a\\"b"]')
