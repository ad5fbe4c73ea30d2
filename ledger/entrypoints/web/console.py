"""The console whole: every page's router, and what pages keep between requests."""

from fastapi import APIRouter, FastAPI

from ledger.app import Ledger
from ledger.entrypoints.web import (
    acting,
    assets,
    campaign,
    exporting,
    health,
    history,
    now,
    people,
    planning,
    preferences,
    recalls,
    signing,
)
from ledger.entrypoints.web.checkups import CheckUps

# In this order: a page of its own is found before that of a number.
ROUTERS: tuple[APIRouter, ...] = (
    signing.router,
    preferences.router,
    assets.router,
    now.router,
    health.router,
    campaign.router,
    people.router,
    planning.router,
    exporting.router,
    acting.router,
    recalls.router,
    history.router,
)


def furnish(app: FastAPI, book: Ledger) -> None:
    """Give an application what pages keep."""
    app.state.checkups = CheckUps(book)
