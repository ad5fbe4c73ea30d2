"""The console whole: every page's router, and what pages keep between requests."""

from fastapi import APIRouter, FastAPI

from ledger.entrypoints.web import (
    assets,
    campaign,
    corrections,
    health,
    history,
    now,
    page,
    people,
    people_lists,
    plan,
    preferences,
    reads,
    recall_actions,
    recall_export,
    recall_list,
    recalls,
    sign_in,
)
from ledger.entrypoints.web.check_ups import CheckUps
from ledger.entrypoints.web.drafts import Drafts
from ledger.entrypoints.web.settlings import Settlings
from ledger.parts import Parts

# In this order: a page of its own is found before that of a number.
ROUTERS: tuple[APIRouter, ...] = (
    sign_in.router,
    preferences.router,
    assets.router,
    now.router,
    health.router,
    campaign.router,
    people.router,
    people_lists.router,
    plan.router,
    recall_export.router,
    reads.router,
    corrections.router,
    recall_actions.router,
    recall_list.router,
    recalls.router,
    history.router,
)


def furnish(app: FastAPI, parts: Parts) -> None:
    """Give an application what pages keep."""
    page.read_ahead()
    app.state.checkups = CheckUps(parts)
    app.state.drafts = Drafts()
    app.state.settlings = Settlings()
