"""What has left the history: a checkpoint of before is proven by one path and the roots of the segments."""

import pytest

from ledger.core.audit.chain_facts import ChainFacts
from ledger.core.audit.history_start import carried, facts_after, kept_path, root_at, root_of_left
from ledger.core.audit.merkle import leaf_of, paths_of, root_of
from ledger.store.audit.fact_file import FactFile

SEGMENT, SEGMENTS = 8, 3
DIGESTS = [f"{number:064x}" for number in range(SEGMENT * SEGMENTS)]
LEAVES = [leaf_of(digest) for digest in DIGESTS]
PARTS = [LEAVES[start : start + SEGMENT] for start in range(0, len(LEAVES), SEGMENT)]
ROOTS = [root_of(part) for part in PARTS]


@pytest.fixture(autouse=True)
def _short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.core.audit.merkle.SEGMENT_ENTRIES", SEGMENT)
    monkeypatch.setattr("ledger.core.audit.merkle._SEGMENT_HEIGHT", 3)


def path_at(entries: int) -> list[str]:
    segment, place = divmod(entries - 1, SEGMENT)
    return kept_path(paths_of(PARTS[segment])[place])


@pytest.mark.parametrize("entries", range(1, len(DIGESTS) + 1))
def test_at_each_entry_the_path_gives_the_root_that_the_tree_had_then(entries: int) -> None:
    assert root_at(ROOTS, entries, DIGESTS[entries - 1], path_at(entries)) == root_of(LEAVES[:entries]).hex()


@pytest.mark.parametrize("entries", [1, 5, 8, 9, 24])
def test_another_digest_another_path_and_another_root_lead_nowhere(entries: int) -> None:
    digest, path = DIGESTS[entries - 1], path_at(entries)
    others = [root_of([root]) if number != (entries - 1) // SEGMENT else b"x" * 32 for number, root in enumerate(ROOTS)]
    assert root_at(ROOTS, entries, "f" * 64, path) is None
    assert root_at(ROOTS, entries, digest, [*path[:-1], "f" * 64]) is None
    assert root_at(ROOTS, entries, digest, path[:-1]) is None
    assert root_at(ROOTS, entries, digest, ["nothing"]) is None
    assert root_at(others, entries, digest, path) is None
    assert root_at(ROOTS[:0], entries, digest, path) is None


def test_the_root_of_what_has_left_is_that_of_the_tree_and_of_no_roots_at_all_when_one_is_none() -> None:
    assert root_of_left([root.hex() for root in ROOTS]) == root_of(LEAVES).hex()
    assert root_of_left([ROOTS[0].hex(), "?"]) == ""


def test_facts_go_on_as_they_were() -> None:
    with FactFile() as file:
        facts = ChainFacts(file, erased={"erased-1": "c"}, seal="s")
        created = {"token": 7, "name": "kim", "role": "admin", "robots": [], "prefix": "l", "digest": "d"}
        facts.add("2026-03-01T12:00:00Z", "token_created", "wang", None, created)
        facts.add("2026-03-01T12:00:00Z", "policy_set", "wang", None, {"policy": 1, "name": "x", "value": None})
        facts.add("2026-03-01T12:00:00Z", "sending_stopped", "wang", None, {"campaign": "spring", "recall_id": 1})
        after = facts_after(file, {**carried(facts), "recalls_left": [3, 4], "before": "2026-02-01T12:00:00Z"})
        assert (after.tokens, after.policies, after.erased, after.seal) == (
            facts.tokens,
            facts.policies,
            facts.erased,
            facts.seal,
        )
        assert after.left_before == "2026-02-01T12:00:00Z"
        assert (after.stops, after.knows_stops, len(after.stops)) == (facts.stops, True, 1)
        of_before = {name: value for name, value in carried(facts).items() if name != "stops"}
        assert not facts_after(file, {**of_before, "recalls_left": [], "before": ""}).knows_stops
        after.add("2026-03-02T12:00:00Z", "finished", "worker", 3, {})
        assert after.recalls == {}


@pytest.mark.parametrize("detail", [{}, {"tokens": 1}, {"tokens": {"x": {}}}, {"tokens": {}, "policies": None}])
def test_facts_that_somebody_made_something_else_of_are_none(detail: dict[str, object]) -> None:
    with FactFile() as file, pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        facts_after(file, detail)
