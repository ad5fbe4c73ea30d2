"""The application: every door of the service in one place, and the worker that runs beside them."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from ledger.entrypoints.api import (
    campaigns,
    corrections,
    events,
    history,
    messages,
    people,
    people_lists,
    probes,
    reads,
    recalls,
)
from ledger.entrypoints.http.access_log import AccessLog
from ledger.entrypoints.http.door import COOKIE
from ledger.entrypoints.http.forwarded import BehindProxies
from ledger.entrypoints.http.problems import Problem, answer_problems
from ledger.entrypoints.http.prompt_pages import PromptPages
from ledger.entrypoints.http.read_watch import ReadWatch
from ledger.entrypoints.http.request_guard import RequestGuard
from ledger.entrypoints.process.metrics import Metrics
from ledger.entrypoints.process.worker_thread import WorkerThread
from ledger.entrypoints.web import console
from ledger.entrypoints.web.page import error_page
from ledger.parts import Parts
from ledger.services.access.lockout import Lockout
from ledger.services.access.sign_in_links import SignInLinks

# Here doors are added: each has a router of its own.
ROUTERS: tuple[APIRouter, ...] = (
    messages.router,
    campaigns.router,
    recalls.router,
    corrections.router,
    events.router,
    history.router,
    people_lists.router,
    reads.router,
    people.router,
    probes.router,
    *console.ROUTERS,
)
# What is compressed already, and streams of events, which are to arrive one by one.
NOT_COMPRESSED = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
DESCRIPTION = (
    "Records what DingTalk bots sent, recalls it within its 24 hours, and proves what was done. Every error is a "
    "problem document (RFC 9457): go by its `code`. Times are RFC 3339 in UTC; given ones may have any offset."
)


def build_app(parts: Parts, *, is_open: bool = False, with_worker: bool = True) -> FastAPI:
    """Return the application on a ledger; `is_open` lets this machine in without sign-in while there is no token."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        worker = WorkerThread(parts) if with_worker else None
        parts.read_log.start()
        yield
        await run_in_threadpool(parts.read_log.stop)
        if worker is not None:
            await run_in_threadpool(worker.stop)

    app = Application(
        title="The recall ledger for DingTalk bots",
        version=version("dingtalk-ledger"),
        description=DESCRIPTION,
        # Pages of documentation would load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.parts, app.state.is_open, app.state.with_worker = parts, is_open, with_worker
    app.state.turns = threading.BoundedSemaphore(parts.settings.requests_recording)
    app.state.attempts = Lockout(parts.clock)
    app.state.prompt_pages = PromptPages(parts)
    app.state.sign_in_links = SignInLinks(parts.clock)
    app.state.metrics = Metrics(parts)
    # Set when the service is about to stop: what streams without an end ends then.
    app.state.stopping = threading.Event()
    console.furnish(app, parts)
    answer_problems(app, error_page)
    # As they are, not by `include_router`, which would analyse each of them anew for every application.
    app.router.routes.extend(route for router in ROUTERS for route in router.routes)
    # Secrets of pages are masked anew each time (`form_key_of`), so that their lengths tell nothing.
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5, exclude_content_types=NOT_COMPRESSED)
    app.add_middleware(ReadWatch, clock=parts.clock, note=parts.read_log.note)
    app.add_middleware(
        RequestGuard, allowed_hosts=parts.settings.own_hosts, request_max_bytes=parts.settings.request_max_bytes
    )
    # Before these, since what they refuse is noted too.
    app.add_middleware(AccessLog, metrics=app.state.metrics)
    app.add_middleware(BehindProxies, trusted=parts.settings.trusted_proxies, is_https=parts.settings.is_public_https)
    return app


class Application(FastAPI):
    """FastAPI with what it does not say by itself in its OpenAPI document: how to come in, and what problems are."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            components = document.setdefault("components", {})
            schema = Problem.model_json_schema()
            components.setdefault("schemas", {})["Problem"] = schema
            components["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer", "description": "From `ledger token create`."},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Of the console."},
            }
            document["security"] = [{"token": []}, {"session": []}]
        assert self.openapi_schema is not None  # noqa: S101  (it was made above)
        return self.openapi_schema
