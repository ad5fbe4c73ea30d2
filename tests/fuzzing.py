"""How much tests that invent their input look for: a little, and the same in each run, unless somebody asks for more.

`LEDGER_TEST_EXAMPLES=400 pytest tests/cli/test_fuzz.py` looks at four hundred others, new ones each time.
"""

import os
from typing import Any

from hypothesis import HealthCheck, settings

_WANTED = os.environ.get("LEDGER_TEST_EXAMPLES")


def fuzzed(few: int, **others: Any) -> settings:
    """Return the settings of a test that looks at a few examples."""
    return settings(
        max_examples=int(_WANTED or few),
        derandomize=_WANTED is None,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        **others,
    )
