"""What packing 20 users into a send would save, by source."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.core.recording.packing import LEAST_SAVED, Packing, SourceSends, packings

COUNTS = st.integers(1, 10_000)


def test_one_user_a_send_is_twenty_times_too_many_calls() -> None:
    found = packings([SourceSends(source="hr", messages=5000, recipients=5000)])
    assert found == [Packing(source="hr", sends=5000, packed_sends=250, recall_calls=250, packed_recall_calls=13)]


def test_full_sends_and_few_ones_need_no_advice() -> None:
    assert packings([SourceSends(source="hr", messages=250, recipients=5000)]) == []
    assert packings([SourceSends(source="hr", messages=50, recipients=50)]) == []
    assert packings([]) == []


def test_what_is_of_different_campaigns_is_not_packed_together() -> None:
    codes = [SourceSends(source="login", messages=1, recipients=1) for _ in range(1000)]
    assert packings(codes) == []


def test_who_saves_most_comes_first() -> None:
    few = SourceSends(source="a", messages=200, recipients=200)
    many = SourceSends(source=None, messages=2000, recipients=2000)
    assert [one.source for one in packings([few, many])] == [None, "a"]


@given(st.lists(st.builds(SourceSends, source=st.sampled_from([None, "a", "b"]), messages=COUNTS, recipients=COUNTS)))
def test_advice_never_costs_calls(sent: list[SourceSends]) -> None:
    for one in packings(sent):
        assert one.saved >= LEAST_SAVED
        assert 0 < one.packed_sends <= one.sends
        assert one.packed_recall_calls <= one.recall_calls
