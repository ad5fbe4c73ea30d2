"""Who may do what: a role grants what the table says, and robots narrow it."""

import pytest

from ledger.core.access.roles import GRANTS, Identity, Permission, Role
from ledger.core.recording.message import RobotCode


@pytest.mark.parametrize("role", Role)
def test_an_identity_may_what_its_role_grants_and_no_more(role: Role) -> None:
    who = Identity(name="ann", role=role)
    assert {permission for permission in Permission if who.may(permission)} == GRANTS[role]


@pytest.mark.parametrize(
    ("robots", "robot", "within_reach"),
    [
        ((), "dingbot", True),
        ((), None, True),
        (("dingbot",), "dingbot", True),
        (("dingbot", "dingother"), "dingother", True),
        (("dingbot",), "dingother", False),
        # Whoever is bound to robots may not touch those of all.
        (("dingbot",), None, False),
    ],
)
def test_an_identity_that_is_bound_to_robots_touches_no_others(
    robots: tuple[str, ...], robot: str | None, within_reach: bool
) -> None:
    who = Identity(name="ann", role=Role.OPERATOR, robots=frozenset(map(RobotCode, robots)))
    assert who.may_touch(robot) is within_reach
