"""What a plan keeps: the same after packing, in the order of whole calls, nothing twice and nothing left out."""

from array import array
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ledger.core.recalls.plan import KEYS_PER_CALL, Candidate, Standing, Tally
from ledger.core.recalls.plan_messages import LeftOut, PlanMessages, digest_of, lane_of
from tests.core.values import HOUR, NOW, ROUTES, a_candidate, spans

candidates = st.lists(
    st.builds(
        a_candidate,
        route=st.sampled_from(ROUTES),
        deadline=spans(-HOUR, 3 * HOUR).map(lambda span: NOW + span),
        held=st.sampled_from([None, None, None, Standing.ALREADY_RECALLED, Standing.IN_PROGRESS]),
    ),
    max_size=150,
).map(lambda found: [one._replace(message_id=3 * place + 1) for place, one in enumerate(found)])
doubts = st.sets(st.integers(0, 150))


def kept(selection: list[Candidate], doubtful: set[int]) -> tuple[PlanMessages, list[Candidate]]:
    """Return what a plan keeps of a selection, nearest deadline first, and what of it is eligible."""
    tally, left_out = Tally(now=NOW), LeftOut()
    ordered = sorted(
        (
            one._replace(in_doubt=place in doubtful, size=place, campaign=place % 2)
            for place, one in enumerate(selection)
        ),
        key=lambda one: one.deadline,
    )
    standings = [(tally.add(one), one) for one in ordered]
    for standing, one in standings:
        left_out.add(one, standing)
    eligible = [one for standing, one in standings if standing is Standing.ELIGIBLE]
    return PlanMessages.of(tally, left_out, ["spring", None]), eligible


@given(candidates, doubts)
def test_all_that_is_eligible_is_kept_once_with_its_app_its_size_and_its_campaign(
    selection: list[Candidate], doubtful: set[int]
) -> None:
    found, eligible = kept(selection, doubtful)
    items = {one.message_id: one for one in found.items(0, len(found.taken))}
    assert Counter(found.taken) == Counter(one.message_id for one in eligible)
    for one in eligible:
        item = items[one.message_id]
        assert (item.app, item.size, item.in_doubt) == (one.route.app, one.size, one.in_doubt)
        assert item.campaign == ("spring", None)[one.campaign]
    lanes = {(one.route, one.in_doubt): items[one.message_id].lane for one in eligible}
    assert len(set(lanes.values())) == len(lanes)
    assert all(items[one.message_id].lane == lanes[one.route, one.in_doubt] for one in eligible)


@given(candidates)
def test_all_that_is_left_out_is_kept_with_why_unless_another_recall_tells_of_it(selection: list[Candidate]) -> None:
    found, eligible = kept(selection, set())
    skips = {one.message_id: one.standing for one in found.skips(0, len(found.skipped))}
    gone = {one.message_id for one in selection if one.held is Standing.ALREADY_RECALLED}
    assert skips.keys() == {one.message_id for one in selection} - {one.message_id for one in eligible} - gone
    for standing in Standing:
        assert set(found.skipped_as(standing)) == {one for one, why in skips.items() if why is standing}


@given(candidates, doubts, st.integers(1, 50))
def test_parts_hold_whole_calls_and_together_all_of_them(
    selection: list[Candidate], doubtful: set[int], rows: int
) -> None:
    found, _ = kept(selection, doubtful)
    sizes = Counter(found.lanes)
    place, seen, calls = 0, Counter[int](), 0
    while place < len(found.taken):
        end = found.end_of_calls(place, rows)
        assert place < end <= place + rows + KEYS_PER_CALL
        part = Counter(found.lanes[place:end])
        seen.update(part)
        for lane in part:
            assert seen[lane] % KEYS_PER_CALL == 0 or seen[lane] == sizes[lane], "a call was cut in two"
        calls += sum(-(-count // KEYS_PER_CALL) for count in part.values())
        place = end
    assert calls == sum(-(-size // KEYS_PER_CALL) for size in sizes.values())


@given(candidates, doubts)
def test_what_is_packed_is_the_same_unpacked_and_has_a_digest_of_its_own(
    selection: list[Candidate], doubtful: set[int]
) -> None:
    found, _ = kept(selection, doubtful)
    packed = found.packed()
    assert PlanMessages.unpacked(packed) == found
    digests = {digest_of(packed)} | {digest_of(packed | {name: packed[name] + b"x"}) for name in ("taken", "standings")}
    assert len(digests) == 3
    assert digest_of(packed | {"taken": "no bytes"}) != digest_of(packed)


def test_a_hundred_thousand_messages_take_a_few_bytes_each() -> None:
    numbers, same = array("q", range(10**6, 11 * 10**5)), array("i", [0]) * 10**5
    packed = PlanMessages(taken=numbers, lanes=same, which_api=same, sizes=same, which_campaign=same).packed()
    assert sum(len(value) for value in packed.values()) < 20_000


def test_a_doubtful_lane_is_its_own_beside_the_sure_one() -> None:
    assert [lane_of(lane, in_doubt=True) for lane in (0, 1, 2)] == [-1, -2, -3]
    assert lane_of(5, in_doubt=False) == 5
