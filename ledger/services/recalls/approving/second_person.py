"""Who counts as another person, and what proves it: for whoever waits for a second one."""

from sqlalchemy import Connection

from ledger.core.access.actors import Acting, People
from ledger.core.access.policy import PolicyName, stricter
from ledger.errors import ForbiddenError, UnauthenticatedError
from ledger.settings import Settings
from ledger.store.access import policies, tokens


def most_alone(connection: Connection, settings: Settings) -> int | None:
    """Return how much one person may reach alone: of settings and policy, the stricter counts."""
    return stricter(settings.approval_recipients, policies.value_of(connection, PolicyName.APPROVAL_RECIPIENTS))


def most_of_agents(connection: Connection, settings: Settings) -> int:
    """Return how much agents of one person may reach alone: of settings and policy, the stricter counts."""
    most = stricter(settings.agent_most_people, policies.value_of(connection, PolicyName.AGENT_MOST_PEOPLE))
    assert most is not None  # noqa: S101  (the setting is a number)
    return most


def check_other(connection: Connection, those: set[str], acting: Acting, did: str) -> None:
    """Raise an AccessError unless somebody is for sure another person than those who did something."""
    people = known_people(connection)
    first = next((name for name in sorted(those) if people.are_one(name, acting.name)), None)
    if first is not None:
        raise ForbiddenError(f"{first} {did}, and {acting.name} is the same: it takes another person to answer")
    # Once there was a token, a name alone proves nothing, as at the doors of the service.
    if not acting.is_proven and (is_strict(connection) or tokens.any_exists(connection)):
        raise unproven(acting, "to be the second person")


def unproven(acting: Acting, why: str) -> UnauthenticatedError:
    """Return the error of somebody whose name nothing proves, when that is needed."""
    return UnauthenticatedError(
        f"{acting.name} is only a name here, and {why} takes a token of the service: put it into LEDGER_TOKEN, or into "
        "a file for --token-file (`ledger token create` makes one)"
    )


def is_strict(connection: Connection) -> bool:
    """Say whether the limit is set for everybody, so that nobody passes it under a name that nothing proves."""
    return policies.value_of(connection, PolicyName.APPROVAL_RECIPIENTS) is not None


def known_people(connection: Connection) -> People:
    """Return which names are one person."""
    return People.of_tokens(tokens.names_and_owners(connection))
