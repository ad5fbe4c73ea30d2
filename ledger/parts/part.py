"""What every part is: built when it is first asked for, once, however many threads ask."""

from functools import cached_property
from typing import Any, TypeVar

T = TypeVar("T")


class part(cached_property[T]):  # noqa: N801  (used as a decorator, as what it builds upon)
    """Something that is built when it is first asked for, once, however many threads ask."""

    # It is never asked of the class, but for that its base has a form of its own.
    def __get__(self, owner: Any, kind: type | None = None) -> T:  # type: ignore[override]
        """Return it, built if need be."""
        if self.attrname in owner.__dict__:
            built: T = owner.__dict__[self.attrname]
            return built
        with owner.building:
            found: T = super().__get__(owner, kind)
            return found
