"""Policies: set in the database for everybody, each time with an entry of the history."""

from ledger.clock import Clock
from ledger.core.access.actors import check_actor
from ledger.core.access.policy import PolicyName, policy_name, policy_value
from ledger.store.access import policies
from ledger.store.access.policies import Policy
from ledger.store.audit import history
from ledger.store.database import Database


class Policies:
    """Sets and shows what decides for everybody."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def put(self, name: str, value: str, *, actor: str) -> Policy:
        """Set a policy to a number, or off; raise InputError for another name or value."""
        policy = Policy(
            name=policy_name(name), value=policy_value(value), set_by=check_actor(actor), set_at=self._clock.now()
        )
        with self._database.write() as connection:
            before = policies.value_of(connection, policy.name)
            number = policies.put(connection, policy)
            facts = {"policy": number, "name": policy.name.value, "value": policy.value, "before": before}
            entry = history.Entry(at=policy.set_at, event="policy_set", actor=actor, recall_id=None, detail=facts)
            history.append(connection, [entry])
        return policy

    def listed(self) -> list[Policy]:
        """Return every policy that was ever set, as it stands."""
        with self._database.read() as connection:
            found = [policies.current(connection, name) for name in PolicyName]
        return [policy for policy in found if policy is not None]
