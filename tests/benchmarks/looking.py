"""What people look at in a ledger of some size: a person, campaigns, the console's pages and the lists of the API."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from typing import Any

from ledger.app import Ledger
from ledger.core.recalls.selection import Selection
from ledger.core.recording.message import AppName, UserId
from ledger.store.campaigns.campaign_people import count_people_by_campaign
from ledger.store.recalls.candidates import candidates
from ledger.store.recalls.plans import prefer_indexes

from .console import serving
from .grown import CAMPAIGNS, Grown
from .processor import Processor

LOOKS = 10
# One of those in the middle of what can still be recalled.
_CAMPAIGN = f"campaign-{CAMPAIGNS - 5}"


def look(book: Ledger, _url: str, day: Grown, processor: Processor) -> dict[str, Any]:
    """Look at everything again and again; figures are the mean of the processor and the median by the clock."""
    user = day.users(day.day - 1)[0]
    found: dict[str, Any] = {
        "a person's messages": _again(processor, partial(_find, book, user)) | {"messages": _find(book, user)},
        "campaigns": _again(processor, book.campaigns),
        "people of one campaign, counted once": _people(book, processor),
    }
    with serving(book) as client:
        for name, path in _pages(user).items():
            found[name] = _again(processor, lambda: client.get(path).raise_for_status())  # noqa: B023  (called here)
    return found


def _pages(user: str) -> Mapping[str, str]:
    return {
        "page: now": "/",
        "page: a campaign": f"/campaign?name={_CAMPAIGN}",
        "page: a person": f"/people?user={user}",
        "page: a recall's form": f"/recalls/new?campaign={_CAMPAIGN}",
        "page: recalls": "/recalls",
        "page: history": "/history",
        "api: campaigns": "/v1/campaigns",
        "api: 100 messages of a campaign": f"/v1/messages?campaign={_CAMPAIGN}&limit=100",
        "api: 100 messages of a person": f"/v1/messages?user={user}&limit=100",
        "api: recalls": "/v1/recalls?limit=50",
        "api: history": "/v1/history?limit=100",
    }


def _find(book: Ledger, user: str) -> int:
    """Search as a plan does."""
    with book.parts.database.read() as connection:
        prefer_indexes(connection)
        selection = Selection(users=frozenset({UserId(user)}))
        return sum(1 for _ in candidates(connection, selection, lambda _: AppName("default"), 5000))


def _people(book: Ledger, processor: Processor) -> dict[str, float]:
    with processor.spent() as spent, book.parts.database.read() as connection:
        count_people_by_campaign(connection, [_CAMPAIGN])
    return {"ms": round(1000 * spent.processor, 1)}


def _again(processor: Processor, action: Callable[[], object]) -> dict[str, float]:
    action()  # loads the code, and fills what is kept in memory
    taken = []
    with processor.spent() as spent:
        for _ in range(LOOKS):
            started = time.perf_counter()
            action()
            taken.append((time.perf_counter() - started) * 1000)
    return {"ms": round(1000 * spent.processor / LOOKS, 2), "p50_by_clock": round(median(taken), 1)}
