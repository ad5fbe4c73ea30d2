"""The settings that decide over a recall, as the entries of its plan and of its rounds hold them."""

from collections.abc import Iterable, Mapping
from typing import Any

from ledger.core.deadline import WINDOW
from ledger.settings import Settings


def rules_of(settings: Settings, apps: Iterable[str], most_alone: int | None) -> Mapping[str, Any]:
    """Return who has to agree, what the month allows, how fast each app may call, and for how long a message lasts.

    `most_alone` people or messages is what one person may reach alone, by settings and policy.
    """
    return {
        "approval_recipients": most_alone,
        "plan_valid_seconds": settings.plan_valid_seconds,
        "monthly_calls": settings.monthly_calls,
        "quota_reserve_calls": settings.quota_reserve_calls,
        "calls_per_second": {app: settings.rate_of(app) for app in sorted(apps)},
        "window_seconds": int(WINDOW.total_seconds()),
        "margin_seconds": settings.margin_seconds,
    }
