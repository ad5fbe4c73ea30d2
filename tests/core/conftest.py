"""How hard the properties are tried: without deadlines, since the machines of a test run are noisy."""

from hypothesis import HealthCheck, settings

settings.register_profile("core", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("core")
