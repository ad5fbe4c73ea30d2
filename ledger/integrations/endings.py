"""How a request ended that brought no answer of its own: with which status, and why, in words for the ledger."""

from ..core.never_left import links, name_of


def status_of(error: BaseException) -> int | None:
    """Return the status of the answer that an exception stands for; None when it stands for none."""
    for link in links(error):
        data = getattr(link, "data", None)
        found = data.get("statusCode") if isinstance(data, dict) else None
        if found is None and name_of(type(link)) == "aiohttp.ClientResponseError":
            found = getattr(link, "status", None)
        if isinstance(found, int) and found:
            return found
    return None


def why(error: BaseException) -> str:
    """Say in words for the ledger why there is no answer; never the exception's own text, which may hold secrets."""
    return f"no answer: {name_of(type(error)).removeprefix('builtins.')}"
