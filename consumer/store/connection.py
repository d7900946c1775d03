"""The way to the archive's PostgreSQL: where it is, whether it will do, and a pool."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Final, TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from consumer.settings import PREFIX, DatabaseSettings
from consumer.store.embedded import embedded_postgresql
from consumer.store.migrations import migrate
from consumer.store.refusals import (
    CONNECT_TIMEOUT_SECONDS,
    CORRECT,
    is_up,
    known_refusal,
    refusal,
    server_line,
)
from modeling.errors import OperatorError

Connection: TypeAlias = AsyncConnection[TupleRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]

OLDEST_SERVER: Final = 14
_SECONDS_BETWEEN_ATTEMPTS = 0.5
_POOL_TIMEOUT_SECONDS = 5.0


@contextlib.asynccontextmanager
async def open_database(
    settings: DatabaseSettings, patience_seconds: float = 30.0, connections: int = 4
) -> AsyncIterator[Pool]:
    """A pool to the settings' PostgreSQL, its tables up to date; the embedded one if none is set.

    Args:
        settings: where the database is.
        patience_seconds: how long a server may take to answer for the first time.
        connections: at most so many at once.

    Raises:
        OperatorError: the server does not answer, refuses, or will not do.
    """
    async with contextlib.AsyncExitStack() as stack:
        if settings.database_url is None:
            embedded = embedded_postgresql(settings.database_folder)
            url = await asyncio.to_thread(embedded.__enter__)
            stack.push_async_callback(asyncio.to_thread, embedded.__exit__, None, None, None)
        else:
            url = settings.database_url.get_secret_value()
        await check_server(url, patience_seconds)
        with explained_errors(url):
            await asyncio.to_thread(migrate, url)
        yield await stack.enter_async_context(
            AsyncConnectionPool(
                url,
                connection_class=AsyncConnection[TupleRow],
                kwargs={"connect_timeout": CONNECT_TIMEOUT_SECONDS},
                min_size=1,
                max_size=connections,
                open=False,
                configure=_configure,
                check=AsyncConnectionPool.check_connection,
                timeout=_POOL_TIMEOUT_SECONDS,
                # The pool waits ever longer between its attempts; whoever asks next starts anew.
                reconnect_timeout=_POOL_TIMEOUT_SECONDS,
                name="ressenti",
            )
        )


async def _configure(connection: Connection) -> None:
    await connection.set_autocommit(True)
    # Moments come back in UTC whatever the server's zone; Python knows no year 10000.
    await connection.execute("SET TIME ZONE 'UTC'")
    # Compiling a query takes longer than any of ours runs, and disks seek quickly nowadays.
    await connection.execute("SET jit = off")
    await connection.execute("SET random_page_cost = 1.1")
    await connection.set_autocommit(False)


async def check_server(url: str, patience_seconds: float) -> None:
    """Waits for the server's first answer and sees whether it will do.

    Raises:
        OperatorError: no answer in time, a refusal, or a server that will not do.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_seconds
    up = False
    while True:
        try:
            connection = await AsyncConnection.connect(url, connect_timeout=CONNECT_TIMEOUT_SECONDS)
        except psycopg.OperationalError as error:
            line = server_line(error)
            late = loop.time() >= deadline
            advice = known_refusal(error)
            if advice is None and line is not None and (up or late):
                advice = refusal(line, url)
            if advice is not None:
                raise OperatorError(f"PostgreSQL at {shown(url)}: {advice}") from None
            if late:
                raise OperatorError(
                    f"no PostgreSQL answers at {shown(url)}; start it, or {CORRECT}"
                ) from None
            # Who is up and refuses the next attempt as well will hardly think better of it.
            up = line is not None and is_up(url)
            await asyncio.sleep(_SECONDS_BETWEEN_ATTEMPTS)
        except psycopg.ProgrammingError:
            raise OperatorError(f"the database's address cannot be read; {_ADDRESS}") from None
        else:
            break
    async with connection:
        version = connection.info.server_version
        encoding = connection.info.parameter_status("server_encoding")
    if version < OLDEST_SERVER * 10_000:
        raise OperatorError(
            f"PostgreSQL at {shown(url)} has version {version // 10_000};"
            f" version {OLDEST_SERVER} or newer is needed: update it, or {CORRECT}"
        )
    if encoding != "UTF8":
        raise OperatorError(
            f"the database at {shown(url)} has the encoding {encoding}; make one with"
            f" CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and {CORRECT}"
        )


_ADDRESS = f"write {PREFIX}DATABASE_URL=postgresql://user:password@host/database"


def shown(url: str) -> str:
    """The address without user and password, fit for a log: host:port/database."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "an address that cannot be read"
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return f"{host}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


@contextlib.contextmanager
def explained_errors(url: str) -> Iterator[None]:
    """Turns what an operator can put right into an OperatorError; the rest passes through."""
    try:
        yield
    except psycopg.Error as error:
        advice = advice_on(error)
        if advice is None:
            raise
        raise OperatorError(f"PostgreSQL at {shown(url)}: {advice}") from None


def advice_on(error: psycopg.Error) -> str | None:
    """What is wrong and what to do, or None when it is no operator's matter."""
    match error:
        case psycopg.errors.DiskFull():
            return "its disk is full; make room"
        case psycopg.errors.InsufficientPrivilege():
            return "the user may not make or use the tables; GRANT it CREATE on the schema"
        case psycopg.errors.ReadOnlySqlTransaction():
            return f"it is read-only; name the primary server: {CORRECT}"
        case psycopg.errors.TooManyConnections():
            return "it has no connection free; raise its max_connections"
        case psycopg.OperationalError():
            return "the connection was lost; see its log"
        case _:
            return None
