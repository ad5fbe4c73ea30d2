"""Who has read it: what asking costs, the button that asks, and what is known so far, of a campaign or a recall."""

from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Response
from fastapi.responses import RedirectResponse

from ledger.core.access.roles import Permission
from ledger.core.campaigns.campaign_patterns import literally
from ledger.core.readers.read_sample import ReadPrice, percents
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.http.seen_recall import Seen
from ledger.entrypoints.web.page import View, Viewed
from ledger.entrypoints.web.selection_form import SelectionForm
from ledger.entrypoints.web.settlings import Settlings, Subject, settlings_of
from ledger.errors import InputError, NothingEligibleError
from ledger.parts import Parts
from ledger.services.reports.people import Whose

EVERY_MS = 2000
# Offered where the month can spare nothing by itself.
FEW = 20

router = APIRouter(route_class=Door, include_in_schema=False)

Name = Annotated[str, Query(min_length=1, max_length=256)]
Sample = Annotated[int, Form(ge=1, le=10_000_000)]
Asked = Annotated[Settlings, Depends(settlings_of)]


@router.get("/campaign/reads", **needs(Permission.SEE))
def of_campaign(parts: LedgerParts, who: Who, view: Viewed, settlings: Asked, name: Name) -> Response:
    """Show who has read messages of a campaign, as far as that is known, and what asking costs."""
    whose = Whose(selection=SelectionForm(campaign=literally(name)).selection(view.times, who))
    subject, address = _campaign(name), f"/campaign/reads?{urlencode({'name': name})}"
    return _shown(parts, view, settlings, whose, subject, address=address, name=name, recall_id=None)


@router.post("/campaign/reads", **needs(Permission.RECALL))
def ask_of_campaign(
    parts: LedgerParts, who: Who, view: Viewed, settlings: Asked, name: Name, sample: Sample
) -> Response:
    """Ask about messages of a campaign; the page shows what comes of it."""
    whose = Whose(selection=SelectionForm(campaign=literally(name)).selection(view.times, who))
    settlings.start(_campaign(name), partial(parts.read_asker.ask, whose, sample=sample, actor=who.name))
    return RedirectResponse(f"/campaign/reads?{urlencode({'name': name})}", 303)


@router.get("/recalls/{id}/reads", **needs(Permission.SEE))
def of_recall(parts: LedgerParts, view: Viewed, settlings: Asked, seen: Seen) -> Response:
    """Show the same of a plan or a recall."""
    address, whose = f"/recalls/{seen.id}/reads", Whose(recall_id=seen.id)
    return _shown(parts, view, settlings, whose, _recall(seen.id), address=address, name=None, recall_id=seen.id)


@router.post("/recalls/{id}/reads", **needs(Permission.RECALL))
def ask_of_recall(parts: LedgerParts, who: Who, settlings: Asked, seen: Seen, sample: Sample) -> Response:
    """Ask about messages of a plan or a recall."""
    whose = Whose(recall_id=seen.id)
    settlings.start(_recall(seen.id), partial(parts.read_asker.ask, whose, sample=sample, actor=who.name))
    return RedirectResponse(f"/recalls/{seen.id}/reads", 303)


def _campaign(name: str) -> Subject:
    return "reads of campaign", name


def _recall(recall_id: int) -> Subject:
    return "reads of recall", str(recall_id)


def _shown(
    parts: Parts,
    view: View,
    settlings: Settlings,
    whose: Whose,
    subject: Subject,
    *,
    address: str,
    name: str | None,
    recall_id: int | None,
) -> Response:
    # Before what it changes is read: a page that says that it is over shows what came of it.
    is_asking = settlings.is_running(subject)
    report = parts.read_asker.known(whose)
    return view.show(
        "reads.html",
        every_ms=EVERY_MS if is_asking else 0,
        report=report,
        shares=percents(report.share_low, report.share_high) if report is not None else None,
        price=_price(parts, whose),
        is_asking=is_asking,
        asking_error=settlings.error(subject),
        address=address,
        name=name,
        recall_id=recall_id,
    )


def _price(parts: Parts, whose: Whose) -> ReadPrice | None:
    """Return what asking costs; None when nothing can be asked about any more."""
    try:
        return parts.read_asker.price(whose)
    except NothingEligibleError:
        return None
    except InputError:
        return parts.read_asker.price(whose, sample=FEW)
