"""Reading the read-status API: is a message still there?

Source: open.dingtalk.com, "query the read status of one-on-one bot messages in batches". One key a call, 24 hours.
"""

from collections.abc import Mapping

from ledger.core.answer import Answer, NoAnswer
from ledger.core.key_results import KeyReading
from ledger.core.limits import storable
from ledger.core.recall import Outcome

READ_STATUS_API = "readStatus"
CODE = "readStatus"


def settle_by_status(outcome: Outcome, answer: Answer | NoAnswer) -> KeyReading | None:
    """Return what an item that ended unknown or partial turns out to be; None when the answer does not tell.

    RECALLED proves a recall. SUCCESS proves that at least somebody still has the message: an unknown was refused, a
    partial stays partial. PROCESSING, an error or no answer prove nothing.
    """
    if isinstance(answer, NoAnswer) or answer.status != 200 or not isinstance(answer.body, Mapping):
        return None
    status = storable(answer.body.get("sendStatus", ""))
    if status == "RECALLED":
        return KeyReading(outcome=Outcome.RECALLED, code=CODE, reason=status)
    # One sample of the documentation misspells it.
    if status in ("SUCCESS", "SUCESS") and outcome is Outcome.UNKNOWN:
        return KeyReading(outcome=Outcome.REFUSED, code=CODE, reason=f"{status}: the message is still there")
    return None
