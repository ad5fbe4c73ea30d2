"""Who makes the calls of a recall that may go on."""

from enum import StrEnum


class RunIn(StrEnum):
    """Who makes the calls of a recall that may go on."""

    CALLER = "caller"  # whoever asks, who waits until it has ended
    LOCAL_WORKER = "local_worker"  # a worker in this process
    ANY_WORKER = "any_worker"  # a worker somewhere, which may have credentials that are not here
