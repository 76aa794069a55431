"""The MongoDB server of the contract tests, for what concerns one store alone."""

from hypothesis import HealthCheck, settings

from tests.contract.mongodb import mongodb_database, mongodb_uri

__all__ = ["mongodb_database", "mongodb_uri"]


settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
