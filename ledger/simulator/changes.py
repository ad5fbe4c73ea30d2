"""Changes to a behaviour that came as JSON or as keywords: every field checked, every mistake named with a way out."""

import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import fields
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from .behaviour import Behaviour, FailedReason

TYPES: Mapping[str, Any] = typing.get_type_hints(Behaviour)


def checked_changes(wanted: Mapping[str, object]) -> dict[str, Any]:
    """Return the changes with values of the right types; raise ValueError."""
    check_names("the behaviour", wanted, TYPES)
    return {name: converted(name, value, TYPES[name]) for name, value in wanted.items()}


def check_names(what: str, given: Collection[str], known: Collection[str]) -> None:
    """Raise ValueError for the first name that is not known, naming the nearest one that is."""
    for name in given:
        if name not in known:
            raise ValueError(f"{what} has no field {name!r}{nearest(name, known)}")


def nearest(name: str, known: Collection[str]) -> str:
    """Return a question after the nearest known name, or a list of all."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f": did you mean {close[0]!r}?" if close else f"; it has {', '.join(sorted(known))}"


def converted(name: str, value: object, kind: Any) -> Any:
    """Return a value as its field wants it; raise ValueError."""
    if isinstance(kind, types.UnionType):
        return None if value is None else converted(name, value, next(k for k in kind.__args__ if k is not type(None)))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return choice(name, value, kind)
    if typing.get_origin(kind) is frozenset:
        return texts(name, value)
    if typing.get_origin(kind) is Mapping:
        return reasons(name, value)
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (kind is not bool and isinstance(value, bool)):
        raise ValueError(f"{name} has to be {kind.__name__}, not {value!r}")
    return value


def choice(name: str, value: object, kind: type[StrEnum]) -> StrEnum:
    """Return a member of an enumeration by its value."""
    known = [str(member) for member in kind]
    if value not in known:
        raise ValueError(f"{name} cannot be {value!r}{nearest(str(value), known)}")
    return kind(value)


def texts(name: str, value: object) -> frozenset[str]:
    """Return a set of texts."""
    if isinstance(value, (str, Mapping)) or not isinstance(value, Collection):
        raise ValueError(f"{name} has to be a list of texts, not {value!r}")
    return frozenset(str(item) for item in value)


def reasons(name: str, value: object) -> dict[str, FailedReason]:
    """Return reasons by key; each may be a text, or an object with `reason` and `times`."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} has to map keys to reasons, not {value!r}")
    return {str(key): reason(name, item) for key, item in value.items()}


def reason(name: str, item: object) -> FailedReason:
    """Return one reason."""
    if isinstance(item, FailedReason):
        return item
    if isinstance(item, str):
        return FailedReason(reason=item)
    if not isinstance(item, Mapping):
        raise ValueError(f"{name}: a reason is a text or an object with reason and times, not {item!r}")
    check_names(name, item, [field.name for field in fields(FailedReason)])
    return FailedReason(reason=str(item.get("reason", "")), times=item.get("times"))
