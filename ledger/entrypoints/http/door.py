"""The door of every route: it says who asks, whether they may, and waits a little for a database that is away.

Nothing is reachable that is not behind one: a route names the permission that it needs, or says that it needs none.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from ledger.core.access.bounds import Bounds
from ledger.core.access.roles import Identity, Permission, Role
from ledger.entrypoints.http.problems import document_problems, unexpected, wants_page
from ledger.entrypoints.http.prompt_pages import PromptPages
from ledger.errors import DatabaseError, ForbiddenError, FormExpiredError, LedgerError, UnauthenticatedError
from ledger.parts import Parts
from ledger.patience import Patience
from ledger.services.access.actor import default_actor
from ledger.services.access.tokens import digest_of, is_form_key
from ledger.settings_addresses import origin_of

COOKIE, SECURE_COOKIE = "ledger-session", "__Host-ledger-session"
FORM_KEY, FORM_KEY_HEADER = "form_key", "x-form-key"
BETWEEN_TRIES_SECONDS = 0.25
_SAFE = ("GET", "HEAD", "OPTIONS")
_PERMISSION, _ANYBODY = "x-permission", "anybody"
# A field that the script of our forms adds, which keeps what was typed by itself.
KEPT_THERE = "kept_there"
# What confirms is typed anew, before the eyes of what it confirms; a secret is never kept.
_NOT_KEPT = ("typed", "token", FORM_KEY)
_LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


def needs(permission: Permission | None, *problems: int, **openapi: Any) -> dict[str, Any]:
    """Return what a route says of itself: the permission it needs (None: none), and the errors it may answer with."""
    common = (413, 421, 500, 503) if permission is None else (401, 403, 413, 421, 500, 503)
    extra = {_PERMISSION: permission.value if permission else _ANYBODY, **openapi}
    if permission is None:
        extra["security"] = []
    return {"openapi_extra": extra, "responses": document_problems(*sorted({*common, *problems}))}


class Door(APIRoute):
    """A route that lets in who may come in; what it needs was said with `needs`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **{**options, "generate_unique_id_function": _name_of})
        names = [parameter.alias for parameter in self.dependant.path_params]
        if names and self.permission is not None:
            raise TypeError(
                f"{path} takes {', '.join(names)} from its address by itself: take `Seen` (seen_recall.py), which "
                "makes sure that whoever asks may touch that recall"
            )

    @property
    def permission(self) -> Permission | None:
        """What it needs; None when anybody may come in."""
        message = (self.openapi_extra or {})[_PERMISSION]
        return None if message == _ANYBODY else Permission(message)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler of the route: who asks is known before anything of the request is read."""
        inner, permission = super().get_route_handler(), self.permission

        async def handle(request: Request) -> Response:
            async def attempt() -> Response:
                if permission is not None:
                    try:
                        request.state.identity = await admit(request, permission)
                    except UnauthenticatedError:
                        request.state.typed = await _typed(request)
                        raise
                return await inner(request)

            try:
                # Somebody who looks is told at once; the page looks again by itself.
                if request.method == "GET" and wants_page(request):
                    return await prompt_pages_of(request).answer(attempt)
                return await patience(parts_of(request)).retrying_async(attempt)
            except (LedgerError, HTTPException, RequestValidationError):
                raise
            except Exception as error:
                # Here, not outside of all: this answer too is to have the headers that every answer has.
                return unexpected(request, error)

        return handle


async def _typed(request: Request) -> list[tuple[str, str]]:
    """Return what a person had typed into a form of ours, without secrets; nothing where the browser keeps it."""
    if request.method in _SAFE or not wants_page(request) or "form" not in request.headers.get("content-type", ""):
        return []
    form = await form_of(request)
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str) and value]
    await form.close()
    is_kept_there = any(name == KEPT_THERE for name, _ in pairs)
    return [] if is_kept_there else [(name, value) for name, value in pairs if name not in _NOT_KEPT]


def _name_of(route: APIRoute) -> str:
    return route.name


def patience(parts: Parts) -> Patience:
    """Return how long a request waits for a database that is away: a restart of it is nobody's business but ours."""
    return Patience(seconds=parts.settings.database_patience_seconds, every_seconds=BETWEEN_TRIES_SECONDS)


def parts_of(request: Request) -> Parts:
    """Return what the ledger of the application is made of."""
    return cast("Parts", request.app.state.parts)


def prompt_pages_of(request: Request) -> PromptPages:
    """Return what gives pages of the application."""
    return cast("PromptPages", request.app.state.prompt_pages)


def who_asks(request: Request) -> Identity:
    """Return who was let in."""
    return cast("Identity", request.state.identity)


def is_https(request: Request) -> bool:
    """Say whether a browser came by https, also to a proxy before us."""
    return bool(request.scope["scheme"] == "https")


def session_of(request: Request) -> str | None:
    """Return what the browser holds of a session; by https only a cookie that nobody on the way can set."""
    return cookie_of(request, SECURE_COOKIE) or (None if is_https(request) else cookie_of(request, COOKIE))


def cookie_of(request: Request, name: str) -> str | None:
    """Return a cookie of ours, which is never quoted: unquoting others' takes Python 3.11 seconds for a long one."""
    for part in request.headers.get("cookie", "").split(";"):
        known, _, value = part.strip().partition("=")
        if known == name:
            return value
    return None


LedgerParts = Annotated[Parts, Depends(parts_of)]
Who = Annotated[Identity, Depends(who_asks)]


async def admit(request: Request, permission: Permission) -> Identity:
    """Return who asks; raise UnauthenticatedError or ForbiddenError when they may not come in."""
    try:
        identity = await _identify(request)
    except DatabaseError:
        if permission is not Permission.RECORD or (handing_in := await _identify_without_database(request)) is None:
            raise
        return handing_in
    check_may(identity, permission)
    return identity


def check_may(identity: Identity, permission: Permission) -> None:
    """Raise ForbiddenError when the role of somebody does not grant a permission."""
    if not identity.may(permission):
        raise ForbiddenError(
            f"{identity.name} is {identity.role}, which may not {permission}: `ledger token create --role` makes a "
            "token that may"
        )


async def _identify(request: Request) -> Identity:
    """Return who asks, by token, by session, or as whoever sits at this machine."""
    # In another thread: the first time, it opens the database, for which nobody else is to wait.
    if (secret := bearer_of(request)) is not None:
        return await run_in_threadpool(lambda: parts_of(request).service_tokens.identify(secret))
    tokens = await run_in_threadpool(lambda: parts_of(request).service_tokens)
    refuse_other_sites(request)
    if session := session_of(request):
        identity = await run_in_threadpool(tokens.identify_session, session)
        await _check_form_key(request, session)
        return identity
    if _is_at_this_machine(request) and not await run_in_threadpool(tokens.any_exists):
        return Identity(name=default_actor(), role=Role.ADMIN)
    raise UnauthenticatedError("say who you are: send a token as `Authorization: Bearer TOKEN`, or sign in")


def bearer_of(request: Request) -> str | None:
    """Return the token that a request has, None without; raise UnauthenticatedError for what is none."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "bearer" or not secret.strip():
        raise UnauthenticatedError("the Authorization header is not of the form `Bearer TOKEN`")
    return secret.strip()


async def _identify_without_database(request: Request) -> Identity | None:
    """Return who hands in what was sent, which goes to the spool: a key must not be lost because nobody can ask.

    That is whoever held a token when it was last known who does. Whether there are tokens at all nobody can know now:
    who sits at this machine may, as `ledger record` would put it there for them.
    """
    if (secret := bearer_of(request)) is not None:
        known = await run_in_threadpool(parts_of(request).known_tokens.find, digest_of(secret))
        return known if known is not None and known.may(Permission.RECORD) else None
    return Identity(name=default_actor(), role=Role.RECORDER) if _is_nobody_at_this_machine(request) else None


def within(who: Identity, robot: str | None) -> Bounds:
    """Return what somebody may touch; raise ForbiddenError when they name a robot that is out of bounds."""
    if robot is not None and not who.may_touch(robot):
        raise ForbiddenError(f"{who.name} may not touch messages of robot {robot!r}")
    return who.bounds


def refuse_other_sites(request: Request) -> None:
    """Raise ForbiddenError when a page of another site makes the browser send something that changes anything."""
    if request.method in _SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # Neither comes from what is no browser.
    is_ours = site in ("same-origin", "none") or (site is None and (origin is None or _is_our_origin(request, origin)))
    if not is_ours:
        raise ForbiddenError("this came from a page of another site, and nothing was done")


def _is_our_origin(request: Request, origin: str) -> bool:
    """Say whether a page is ours: of the host that was asked for, or of our public address, behind a proxy."""
    scheme = origin.partition(":")[0]
    try:
        given, host = origin_of(origin), origin_of(f"{scheme}://{request.headers.get('host', '')}")
    except ValueError:
        return False
    is_of_host = scheme in (("https",) if is_https(request) else ("http", "https")) and given == host
    return is_of_host or given == parts_of(request).settings.public_url


async def _check_form_key(request: Request, session: str) -> None:
    if request.method in _SAFE:
        return
    given = request.headers.get(FORM_KEY_HEADER)
    if given is None and "form" in request.headers.get("content-type", ""):
        field = (await form_of(request)).get(FORM_KEY)
        given = field if isinstance(field, str) else None
    if given is None or not is_form_key(given, session):
        # What came along as a file would be left open.
        await request.close()
        raise FormExpiredError("this form is not of your session any more: load the page again, and repeat it")


async def form_of(request: Request) -> FormData:
    """Return the form of a request, whose parts may be as large as a request may be."""
    return await request.form(max_part_size=parts_of(request).settings.request_max_bytes)


def _is_nobody_at_this_machine(request: Request) -> bool:
    """Say whether a request comes from this machine and says nothing of who makes it; no page of a browser made it."""
    says_who = request.headers.get("authorization") or session_of(request)
    return not says_who and "sec-fetch-site" not in request.headers and _is_at_this_machine(request)


def _is_at_this_machine(request: Request) -> bool:
    """Say whether who asks sits at this machine, without sign-in, nothing in between, and nothing set up for others."""
    is_open = bool(request.app.state.is_open) and not parts_of(request).settings.own_hosts
    is_direct = not any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))
    return is_open and is_direct and request.client is not None and request.client.host in _LOOPBACK
