import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from consumer.settings import DatabaseSettings
from consumer.store.connection import advice_on, check_server, open_database, shown
from consumer.store.queries import message_by_id
from consumer.store.writes import write_messages
from modeling.errors import OperatorError
from tests.consumer.store.messages import tagged

PASSWORD = "s3cret-w0rd"


async def complaint(url: str) -> str:
    settings = DatabaseSettings(database_url=SecretStr(url))
    with pytest.raises(OperatorError) as caught:
        async with open_database(settings, patience_seconds=0.2):
            pass
    said = str(caught.value)
    assert PASSWORD not in said
    return said


_ANSWER_ALL = """
import socket, sys
listening = socket.socket(fileno=int(sys.argv[1]))
while True:
    client, _ = listening.accept()
    with client:
        client.recv(1024)
        client.sendall(bytes.fromhex(sys.argv[2]))
"""


@contextmanager
def impostor(answer: bytes) -> Iterator[int]:
    """A server that sends `answer` to whoever connects; gives its port.

    A process of its own, since a thread would stand still while libpq waits for it.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        with subprocess.Popen(
            [sys.executable, "-c", _ANSWER_ALL, str(number), answer.hex()], pass_fds=[number]
        ) as serving:
            try:
                yield listening.getsockname()[1]
            finally:
                serving.kill()


def refusal(words: str, code: str = "28P01", severity: str = "FATAL") -> bytes:
    """PostgreSQL's error message, as the protocol has it: fields that end with a zero byte."""
    fields = f"S{severity}\0VFATAL\0C{code}\0M{words}\0\0".encode()
    return b"E" + (len(fields) + 4).to_bytes(4, "big") + fields


async def test_no_server_is_named_without_the_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = await complaint(f"postgresql://ressenti:{PASSWORD}@127.0.0.1:{port}/archive")
    assert said == (
        f"no PostgreSQL answers at 127.0.0.1:{port}/archive; start it,"
        " or correct RESSENTI_DATABASE_URL"
    )


async def test_a_wrong_password_is_told_at_once() -> None:
    with impostor(refusal('password authentication failed for user "ressenti"')) as port:
        url = f"postgresql://ressenti:{PASSWORD}@127.0.0.1:{port}/archive?sslmode=disable"
        said = await asyncio.wait_for(complaint(url), 5)
    assert "refuses the user name or the password; correct RESSENTI_DATABASE_URL" in said


async def test_no_such_database_is_told_with_what_to_do(server: str) -> None:
    said = await complaint(psycopg.conninfo.make_conninfo(server, dbname="nowhere"))
    assert "/nowhere: it has no such database or user; make it, or correct" in said


@pytest.mark.parametrize(
    "url", [f"postgres:/{PASSWORD}", f"postgresql://u:{PASSWORD}@h/d?nonsense=1"]
)
async def test_an_address_that_cannot_be_read_shows_how_one_looks(url: str) -> None:
    assert "postgresql://user:password@host/database" in await complaint(url)


async def test_an_encoding_other_than_utf8_is_refused(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS latin")
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    said = await complaint(psycopg.conninfo.make_conninfo(server, dbname="latin"))
    assert "LATIN1" in said
    assert "ENCODING 'UTF8'" in said


async def test_a_user_who_may_not_make_tables_hears_what_to_grant(empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS stranger")
        connection.execute("CREATE ROLE stranger LOGIN")
    said = await complaint(psycopg.conninfo.make_conninfo(empty_database, user="stranger"))
    assert "GRANT it CREATE" in said


async def test_a_read_only_server_is_refused(empty_database: str) -> None:
    name = conninfo_to_dict(empty_database)["dbname"]
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "read-only" in await complaint(empty_database)


def test_a_full_disk_is_told_as_such() -> None:
    assert advice_on(psycopg.errors.DiskFull()) == "its disk is full; make room"
    assert advice_on(psycopg.errors.UniqueViolation()) is None


@pytest.mark.parametrize(
    ("severity", "words"),
    [
        ("FATAL", f"authentification échouée de « ressenti » avec {PASSWORD}"),
        ("ВАЖНО", "пользователь не прошёл проверку подлинности"),
    ],
)
async def test_a_refusal_in_any_language_is_told_at_once_in_the_server_s_words(
    severity: str, words: str
) -> None:
    with impostor(refusal(words, severity=severity)) as port:
        url = f"postgresql://ressenti:{PASSWORD}@127.0.0.1:{port}/archive?sslmode=disable"
        with pytest.raises(OperatorError) as caught:
            await asyncio.wait_for(check_server(url, patience_seconds=60), 5)
    line = f"{severity}:  {words}".replace(PASSWORD, "…")
    assert str(caught.value) == (
        f"PostgreSQL at 127.0.0.1:{port}/archive: it does not let us in ({line});"
        " put that right there, or correct RESSENTI_DATABASE_URL"
    )


async def test_a_server_that_starts_late_is_waited_for(server: str) -> None:
    """The first answers are those of a server that is starting up."""
    with impostor(refusal("le système de bases de données se lance", code="57P03")) as port:
        url = f"host=127.0.0.1 port={port} user=u dbname=d sslmode=disable"
        began = asyncio.get_running_loop().time()
        with pytest.raises(OperatorError, match=r"does not let us in \(FATAL:  le système"):
            await check_server(url, patience_seconds=1.5)
        assert asyncio.get_running_loop().time() - began >= 1.5
    await check_server(server, patience_seconds=1.0)


async def test_a_host_that_nobody_knows_is_named() -> None:
    said = await complaint("postgresql://u@nowhere.invalid/archive?connect_timeout=2")
    assert said.startswith("no PostgreSQL answers at nowhere.invalid:5432/archive; start it")


async def test_without_an_address_the_archive_is_embedded(tmp_path: Path) -> None:
    settings = DatabaseSettings(database_url=None, database_folder=tmp_path / "archive")
    for _ in range(2):
        async with open_database(settings) as pool, pool.connection() as connection:
            await write_messages(connection, [tagged()])
            assert await message_by_id(connection, "m1") is not None


async def test_moments_come_back_in_utc_whatever_the_server_s_zone(
    settings: DatabaseSettings, empty_database: str
) -> None:
    name = conninfo_to_dict(empty_database)["dbname"]
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'")
    async with open_database(settings) as pool, pool.connection() as archive:
        await write_messages(archive, [tagged(tagged_at="9999-12-31T23:59:59Z", sent_at=None)])
        found = await message_by_id(archive, "m1")
    assert found is not None
    assert found.occurred_at.isoformat() == "9999-12-31T23:59:59+00:00"


def test_an_address_is_shown_without_user_and_password() -> None:
    assert shown(f"postgresql://ressenti:{PASSWORD}@db:5433/archive") == "db:5433/archive"
    assert PASSWORD not in shown(f"postgresql://{PASSWORD}@[")
