"""A real PostgreSQL for the whole run, and a fresh database for each test."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from consumer.settings import DatabaseSettings
from consumer.store.connection import Connection, open_database
from consumer.store.embedded import embedded_postgresql
from consumer.store.migrations import migrate

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a PostgreSQL that writes nothing to disk in time."""
    with embedded_postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url


@pytest.fixture
def empty_database(server: str) -> Iterator[str]:
    """The connection string of a database without any table."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield make_conninfo(server, dbname=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def settings(empty_database: str, tmp_path: Path) -> DatabaseSettings:
    return DatabaseSettings(
        database_url=SecretStr(empty_database), database_folder=tmp_path / "none"
    )


@pytest.fixture
def archive_url(empty_database: str) -> str:
    """The connection string of a fresh archive."""
    migrate(empty_database)
    return empty_database


@pytest.fixture
async def connection(settings: DatabaseSettings) -> AsyncIterator[Connection]:
    """A connection to a fresh archive."""
    async with open_database(settings) as pool, pool.connection() as connection:
        yield connection
