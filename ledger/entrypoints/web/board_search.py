"""What somebody looks for on the board of campaigns: read from an address, and shown in its fields again."""

from typing import Annotated

from fastapi import Query

from ledger.core.campaigns.board import BoardSearch, Order

Typed = Annotated[str, Query(max_length=256)]


class BoardQuery:
    """The fields as they were filled in; what cannot be meant is left out, for a board has to be seen."""

    def __init__(
        self,
        q: Typed = "",
        robot: Typed = "",
        source: Typed = "",
        sort: Typed = "",
        soon: Annotated[str, Query(max_length=8)] = "",
        show_all: Annotated[str, Query(max_length=8, alias="all")] = "",
    ) -> None:
        self.q, self.robot, self.source = q.strip(), robot.strip(), source.strip()
        self.sort = sort if sort in tuple(Order) else Order.DEADLINE.value
        self.soon, self.show_all = bool(soon), bool(show_all)

    @property
    def narrows(self) -> bool:
        """Say whether anything is looked for."""
        return bool(self.q or self.robot or self.source or self.soon)

    @property
    def search(self) -> BoardSearch:
        """What is looked for."""
        return BoardSearch(
            name=self.q, robot=self.robot, source=self.source, is_closing=self.soon, order=Order(self.sort)
        )
