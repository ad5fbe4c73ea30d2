"""How much somebody has to say before a recall starts: the more is at stake, the more."""

from dataclasses import dataclass

# One line on a screen is enough for what a few people got; beyond, a yes from habit is not.
SMALL_MESSAGES = 20
SMALL_RECIPIENTS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What it takes to start a plan: `typed` is what has to be typed, None when a plain yes is enough.

    `is_covered` is False when the month's quota does not suffice.
    """

    typed: str | None
    is_covered: bool

    def accepts(self, given: str) -> bool:
        """Say whether what was typed is what has to be; numbers may have commas."""
        if self.typed is None:
            return True
        given, wanted = given.strip(), self.typed.strip()
        return given == wanted or (wanted.isdecimal() and given.replace(",", "") == wanted)


def confirmation_of(*, eligible: int, recipients: int, quota_after: int, campaign: str | None) -> Confirmation:
    """Return what it takes to start a plan of so many messages that reached so many people.

    The campaign's name has to be typed, or the number of messages when no campaign was named.
    """
    is_covered = quota_after >= 0
    is_small = eligible <= SMALL_MESSAGES and recipients <= SMALL_RECIPIENTS
    wanted = campaign if campaign is not None else str(eligible)
    return Confirmation(typed=None if is_small and is_covered else wanted, is_covered=is_covered)
