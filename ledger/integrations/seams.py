"""Putting a hook around a method: of one object, or of a class and so of all its objects, once for each sink."""

import functools
from collections.abc import Callable
from typing import Any

from .following import Sink, Watching

# What a hook is: it gets how to watch, the method as it was, the object, and what the method was called with.
Hook = Callable[..., Any]
_MARK, _ONCE = "_ledger_sink", "_ledger_hook"


def hook_object(owner: Any, name: str, hook: Hook, watching: Watching) -> None:
    """Put a hook around a method of one object; raise AttributeError when the object does not allow it.

    What the class has under that name is looked up at each call: tools for tests replace it there, before or after.
    """
    before = vars(owner).get(name)
    if _is_hooked(before, watching.sink):
        return

    def call(*args: Any, **options: Any) -> Any:
        if before is not None:
            return before(*args, **options)
        return getattr(type(owner), name)(owner, *args, **options)

    def hooked(*args: Any, **options: Any) -> Any:
        return hook(watching, call, owner, *args, **options)

    setattr(hooked, _MARK, watching.sink)
    if before is not None:
        hooked.__dict__["_ledger_before"] = before
    # Not `setattr`: aiohttp warns of every attribute that it does not know, although it reads this one.
    object.__setattr__(owner, name, hooked)


def hook_class(kind: type, name: str, hook: Hook, watching: Watching) -> None:
    """Put a hook around a method of a class."""
    before = getattr(kind, name)
    if _is_hooked(before, watching.sink):
        return

    @functools.wraps(before)
    def hooked(owner: Any, *args: Any, **options: Any) -> Any:
        return hook(watching, functools.partial(before, owner), owner, *args, **options)

    setattr(hooked, _MARK, watching.sink)
    setattr(kind, name, hooked)


def hook_class_once(kind: type, name: str, hook: Hook) -> None:
    """Put a hook around a method of a class, one for whoever follows what passes it."""
    before = getattr(kind, name)
    if getattr(before, _ONCE, None) is hook:
        return

    @functools.wraps(before)
    def hooked(owner: Any, *args: Any, **options: Any) -> Any:
        return hook(functools.partial(before, owner), owner, *args, **options)

    setattr(hooked, _ONCE, hook)
    setattr(kind, name, hooked)


def _is_hooked(method: Any, sink: Sink) -> bool:
    while method is not None:
        if getattr(method, _MARK, None) is sink:
            return True
        method = getattr(method, "_ledger_before", None)
    return False
