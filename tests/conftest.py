"""Fixtures for all tests."""

from collections.abc import Iterator

import pytest

from tests.postgres import postgres_server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for the whole run; `new_database` of tests/postgres.py gives a test its own."""
    with postgres_server() as url:
        yield url
