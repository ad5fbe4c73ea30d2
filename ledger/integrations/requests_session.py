"""Following the sends of requests.

The seam is the adapter's `send`: the last method before urllib3, which every request of a session passes, each hop of a
redirect by itself, before the response hooks of the sender. The answer to a send is read at once, also when the sender
streams it or never looks at it, and given on to be read again, undecoded and with the error that ended it, if any.
"""

from collections.abc import Callable
from typing import Any

from . import tags, urllib3_pool
from .following import Following, Watching, unharmed
from .seams import hook_class, hook_object


def watch(session: Any, watching: Watching) -> None:
    """Follow the sends of one session, through the adapters that it has and those that it gets."""
    watch_attempts()
    for adapter in session.adapters.values():
        hook_object(adapter, "send", _send, watching)
    hook_object(session, "mount", _mount, watching)


def watch_all(requests: Any, watching: Watching) -> None:
    """Follow the sends of every session, the passing ones of `requests.post` too."""
    watch_attempts()
    hook_class(requests.adapters.HTTPAdapter, "send", _send, watching)


def watch_attempts() -> None:
    """See each attempt of a Retry, which the adapter hides."""
    import urllib3

    urllib3_pool.watch_attempts(urllib3)


def _mount(watching: Watching, call: Callable[..., Any], _session: Any, prefix: str, adapter: Any) -> None:
    call(prefix, adapter)
    unharmed(lambda: hook_object(adapter, "send", _send, watching))


def _send(watching: Watching, call: Callable[..., Any], adapter: Any, request: Any, *args: Any, **options: Any) -> Any:
    with tags.taken_from(request.headers) as own:
        method, url = request.method or "", request.url or ""
        if not watching.is_send(method, url):
            return call(request, *args, **options)
        body = _body_of(request)
        with watching.follow(method, url, body, own, is_sure=_tells_all(adapter)) as following:
            response = call(request, *args, **options)
            _take_in(following, response)
        watching.settle(following)
        return response


def _body_of(request: Any) -> object:
    """Return a request's body; one that can be read only once is read, and sent as what was read."""
    body = request.body
    if body is None or isinstance(body, (bytes, str)):
        return body
    content = urllib3_pool.content_of(body)
    if hasattr(body, "seekable") and body.seekable():
        return content
    request.body = content
    return content


def _tells_all(adapter: Any) -> bool:
    """Return whether an adapter tells of all its attempts; one that repeats a POST may hide a first that arrived."""
    import requests

    retries = getattr(adapter, "max_retries", None)
    if retries is None or type(adapter).send is not requests.adapters.HTTPAdapter.send:
        return False
    if retries.total in (0, False) or retries.read is False:
        return True
    methods = getattr(retries, "allowed_methods", None)
    return methods is not None and methods is not False and "POST" not in methods


def _take_in(following: Following, response: Any) -> None:
    raw = response.raw
    if following.sending is None:  # an attempt further in has seen it
        return
    if response._content is not False or not hasattr(raw, "stream"):  # one that tools for tests made up
        following.answered(response.status_code, response.content)
        return
    response.raw = urllib3_pool.take_in(following, raw)
