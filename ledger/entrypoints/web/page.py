"""Pages: a template, the viewer's language and zone, and who is looking; here they become an answer."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from importlib.metadata import version
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ledger.core.access.actors import OWN_ACTORS
from ledger.core.access.roles import Identity, Permission
from ledger.core.campaigns.campaign_patterns import literally
from ledger.core.json_value import printable
from ledger.core.key_results import NAMED_TWICE
from ledger.core.named import shortened
from ledger.core.recalls.pause_texts import cause_of
from ledger.core.recalls.recall import OWN_REASONS
from ledger.core.recalls.reply import NO_RESULT
from ledger.entrypoints.http.door import cookie_of, parts_of, session_of
from ledger.entrypoints.http.problems import NOTICE, page_of
from ledger.entrypoints.http.read_watch import handed_out
from ledger.entrypoints.web import assets
from ledger.entrypoints.web.drafts import FIELD, draft_of
from ledger.entrypoints.web.times import Times, parsed
from ledger.entrypoints.web.words import HTML_LANGUAGES, LANGUAGES, Words, choose, words_of
from ledger.errors import UnauthenticatedError
from ledger.services.access.tokens import form_key_of
from ledger.settings import DEFAULT_APP

LANGUAGE_COOKIE, ZONE_COOKIE = "ledger-language", "ledger-zone"
ROWS, KEY_CHARACTERS = 50, 24
# In the address of a link that signs somebody in: who comes with it again tries it again.
ONE_TIME_CODE = "once"
_PIECES, _OPTION = re.compile(r"(?<=[.,;:])\s+"), re.compile(r"(?:^|[\s`(])--[a-z]")
# Errors of which the ledger's own text says more than words for all of their kind can.
_DETAILED = ("input", "invalid_request", "unreadable_time", "unknown_app", "unexpected", "database_unavailable")
_NO_EVERY, AWAY_EVERY_MS = 0, 3000
# Read once, with what it belongs to: it is looked for in all that is installed.
_VERSION = version("dingtalk-ledger")


def outside(value: object) -> Markup:
    """Write a text that came from outside: in a direction of its own, without what does not print, untranslated."""
    return Markup('<bdi translate="no">{}</bdi>').format(printable(str(value)))


def without_flags(text: object) -> str:
    """Leave out what is for the command line: whoever looks at a page does not type options."""
    pieces = [piece for piece in _PIECES.split(str(text)) if not _OPTION.search(piece)]
    return " ".join(pieces).rstrip(" ,;:")


_environment = Environment(
    loader=PackageLoader("ledger.entrypoints.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.filters |= {
    "cause": cause_of,
    "literally": literally,
    "outside": outside,
    "shortened": partial(shortened, most=KEY_CHARACTERS),
    "named": shortened,
    "without_flags": without_flags,
    "without_no_result": lambda reason: str(reason).removeprefix(NO_RESULT),
}
_environment.globals |= {
    "default_app": DEFAULT_APP,
    "outside": outside,
    "named_twice": NAMED_TWICE,
    "own_actors": OWN_ACTORS,
    "own_words": {text: name for name, text in OWN_REASONS.items()},
}


def read_ahead() -> None:
    """Read all that pages are made of: what is put in place of it later belongs to another version of this code."""
    for name in _environment.list_templates():
        _environment.get_template(name)
    for language in LANGUAGES:
        words_of(language)
    assets.read_ahead()


class View:
    """How one viewer sees pages: language, zone, and what their role lets them do."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.who: Identity | None = getattr(request.state, "identity", None)
        self.words: Words = words_of(
            choose(cookie_of(request, LANGUAGE_COOKIE), request.headers.get("accept-language", ""))
        )
        self.times = Times(cookie_of(request, ZONE_COOKIE), self.words, parts_of(request).clock.now())

    @property
    def now(self) -> datetime:
        """The moment at which the page is made."""
        return self.times.now

    def may(self, permission: str) -> bool:
        """Say whether the viewer may do something; what they may not, they are not shown."""
        return self.who is not None and self.who.may(Permission(permission))

    def show(
        self,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        every_ms: int = _NO_EVERY,
        here: str | None = None,
        shows_draft: bool = True,
        **values: Any,
    ) -> HTMLResponse:
        """Return a page; one with `every_ms` fetches itself again so often, from the address `here`.

        With `shows_draft`, it names what was typed before a sign-in, as far as none of its forms holds it.
        """
        session = session_of(self.request)
        if (page := values.get("page")) is not None:
            handed_out(self.request, len(page.values))
        text = _environment.get_template(template).render(
            **values,
            t=self.words,
            when=self.times.when,
            when_exactly=self.times.when_exactly,
            left=self.times.left,
            span=self.words.span,
            parsed=parsed,
            zone=self.times.zone,
            zone_name=self.times.zone_name,
            now=self.now,
            language=HTML_LANGUAGES[self.words.language],
            file_language=self.words.file_language,
            languages={code: name for code, name in LANGUAGES.items() if code != self.words.language},
            who=self.who,
            may=self.may,
            form_key=form_key_of(session) if session else None,
            here=here or _here(self.request),
            notice=self._notice(),
            path=self.request.url.path,
            asset=assets.address,
            every_ms=every_ms,
            draft=draft_of(self.request) if shows_draft else (),
            version=_VERSION,
        )
        return HTMLResponse(text, status, dict(headers or {}))

    def _notice(self) -> str | None:
        """Return why what was just tried was not done, as the address says, in words of ours."""
        if (code := self.request.query_params.get(NOTICE)) is None:
            return None
        return f"error.{code}" if self.words.has(f"error.{code}") else "error.other"


Viewed = Annotated[View, Depends(View)]


def error_page(request: Request, status: int, code: str, message: str, headers: Mapping[str, str]) -> HTMLResponse:
    """Return an error for people: what happened in their words, and the ledger's own text below."""
    if code == UnauthenticatedError.code and (typed := getattr(request.state, "typed", None)):
        fields = [(FIELD + name, text) for name, text in typed]
        goto = page_of(request)
        return View(request).show(
            "sign_in.html", status=status, headers=headers, goto=goto, error=None, draft_fields=fields
        )
    # Of a database that is away: it looks again by itself, and is the page that was asked for once it can be.
    every_ms = AWAY_EVERY_MS if status == 503 and request.method == "GET" else _NO_EVERY
    return View(request).show(
        "error.html",
        status=status,
        headers=headers,
        every_ms=every_ms,
        code=code,
        message=message,
        is_detailed=code in _DETAILED,
    )


def _here(request: Request) -> str:
    """Return where to look at this page again: an address that does nothing, and that has no code of a link."""
    path, query = request.url.path, request.url.query
    if request.method not in ("GET", "HEAD"):
        came_from = urlsplit(request.headers.get("referer", ""))
        path, query = (came_from.path or "/", came_from.query) if came_from.netloc == request.url.netloc else ("/", "")
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != ONE_TIME_CODE]
    return f"{path}?{urlencode(kept)}" if kept else path
