"""What checks of a recall say together: what one found still there is so until another finds it gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.core.recalls.spot_check import StillThere, still_there

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(minute: int, event: str, **detail: Any) -> tuple[datetime, str, str, dict[str, Any]]:
    return NOON + timedelta(minutes=minute), event, "li", detail


def test_the_latest_check_of_a_message_counts() -> None:
    first = [
        said(0, "started"),
        said(1, "spot_checked", gone=[3], asked=3),
        said(1, "contradicted", still_there=[[1, "a", "SUCCESS"], [2, "b", "SUCCESS"]]),
    ]
    there = [
        StillThere(process_query_key=key, status="SUCCESS", checked_at=NOON + timedelta(minutes=1), actor="li")
        for key in ("a", "b")
    ]
    assert still_there(first) == tuple(there)
    assert still_there([*first, said(2, "spot_checked", gone=[1], asked=1)]) == (there[1],)
    again = still_there([*first, said(3, "contradicted", still_there=[[3, "c", "SUCCESS"]])])
    assert [one.process_query_key for one in again] == ["a", "b", "c"]
