"""Probes: is the process alive, can it do its work, and what do its figures say?"""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel, Field

from ledger.core.access.roles import Permission
from ledger.entrypoints.http.door import Door, LedgerParts, needs
from ledger.entrypoints.http.problems import problem

router = APIRouter(route_class=Door, tags=["service"])


class Health(BaseModel):
    """That it answers at all."""

    ok: bool = Field(examples=[True])


@router.get("/healthz", **needs(None))
def healthz() -> Health:
    """Say that the process is alive; nothing else is looked at."""
    return Health(ok=True)


@router.get("/readyz", response_model=Health, **needs(None))
def readyz(parts: LedgerParts) -> Health | JSONResponse:
    """Say whether the service can do its work; when not, `missing` of the problem names what it lacks."""
    lacks = parts.lacks()
    if not lacks:
        return Health(ok=True)
    message = "; ".join(f"{name}: {why}" for name, why in lacks.items())
    return problem(503, "not_ready", message, missing=list(lacks))


@router.get("/metrics", response_class=PlainTextResponse, **needs(Permission.OPERATE))
def metrics(request: Request) -> Response:
    """Return the figures for Prometheus, which sends a token as any program does."""
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(request.app.state.metrics.registry), media_type=media_type)
