"""Probes: is the process alive, and can it do its work?"""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ledger.entrypoints.api.door import Book, Door, needs
from ledger.store import migrate

router = APIRouter(route_class=Door, tags=["service"])


class Health(BaseModel):
    """That it answers at all."""

    ok: bool = Field(examples=[True])


@router.get("/healthz", **needs(None))
def healthz() -> Health:
    """Say that the process is alive; nothing else is looked at."""
    return Health(ok=True)


@router.get("/readyz", **needs(None))
def readyz(book: Book) -> Health:
    """Say whether the database can be used; a problem when not."""
    migrate.ensure(book.database)
    return Health(ok=True)
