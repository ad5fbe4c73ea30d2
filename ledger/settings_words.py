"""What is wrong with a setting, in words and with its unit; a value is never repeated, since it may be a secret."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

# By how a name ends: longer endings first.
_UNITS = {
    "calls_per_second": "calls a second",
    "_seconds": "seconds",
    "_hours": "hours",
    "_bytes": "bytes",
    "_calls": "calls",
}
_LIMITS = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
_NUMBERS = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float", "int_parsing_size"), "a whole number"),
    **dict.fromkeys(("float_parsing", "float_type", "finite_number"), "a number"),
}
_WORDS = {
    "string_type": "text: in the file, put it in quotes",
    "string_unicode": "text in UTF-8",
    "string_too_short": "text that is not empty",
    "tuple_type": 'a list, as in ["one", "two"]',
    "list_type": 'a list, as in ["one", "two"]',
    "path_type": "a path: in the file, put it in quotes",
    "dict_type": "a table, as in [apps.NAME]",
    "model_type": "a table, as in [apps.NAME]",
    "model_attributes_type": "a table, as in [apps.NAME]",
}


def sentence_of(name: str, error: Any) -> str:
    """Return what is wrong with a setting, from an error of pydantic."""
    kind, context = error["type"], error.get("ctx", {})
    unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
    for limit, words in _LIMITS.items():
        if limit in context:
            return f"it has to be {words} {_number(context[limit])} {unit}".rstrip()
    if kind in _NUMBERS:
        return f"it has to be {_NUMBERS[kind]}" + (f" of {unit}" if unit else "")
    if kind in _WORDS:
        return f"it has to be {_WORDS[kind]}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return "there is no such setting"
    message: str = error["msg"]
    return f"{message[0].lower()}{message[1:]}"


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a question after the nearest of some names, to stand behind what names one that is not known."""
    near = get_close_matches(name, sorted(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def unknown(names: Iterable[str], known: Iterable[str], what: str) -> str:
    """Return a sentence on each name that is not known, with the nearest that is; empty when all are."""
    known = sorted(known)
    return "; ".join(sorted(f"unknown {what} {name}{nearest(name, known)}" for name in names if name not in known))
