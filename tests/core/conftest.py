"""How hard the properties are tried: without deadlines, since the machines of a test run are noisy."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("core", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
# Each of some thousand mutants meets them: fewer examples, and the same for all, so that a survivor survives again.
settings.register_profile("mutants", parent=settings.get_profile("core"), max_examples=20, derandomize=True)
settings.load_profile("mutants" if "MUTANT_UNDER_TEST" in os.environ else "core")
