import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from consumer.store import migrations
from consumer.store.migrations import migrate
from modeling.errors import OperatorError


def revision_of(url: str) -> list[tuple[str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchall()


def test_programs_that_start_together_make_the_tables_once(empty_database: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, [empty_database] * 8))
    assert revision_of(empty_database) == [("0001",)]


def test_what_is_archived_outlives_another_migration(archive_url: str) -> None:
    with psycopg.connect(archive_url) as connection:
        connection.execute(
            "INSERT INTO unreadable_events"
            " (topic, partition, record_offset, record_timestamp, reason, detail)"
            " VALUES ('t', 0, 0, 0, 'r', 'd')"
        )
    migrate(archive_url)
    with psycopg.connect(archive_url) as connection:
        assert connection.execute("SELECT count(*) FROM unreadable_events").fetchone() == (1,)


def test_a_database_that_is_newer_than_the_program_is_left_alone(archive_url: str) -> None:
    with psycopg.connect(archive_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(OperatorError, match=r"newer than this program \(revision 9999\)"):
        migrate(archive_url)
    assert revision_of(archive_url) == [("9999",)]


def test_a_migration_that_fails_leaves_nothing_behind(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE unreadable_events ()")
    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate(empty_database)
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT to_regclass('tagged_messages')").fetchone()
    assert found == (None,)


def test_the_revisions_are_found_from_any_folder(empty_database: str, tmp_path: Path) -> None:
    """As from an installed wheel: nothing is looked up beside the project."""
    package = Path(migrations.__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", "import sys; from consumer.store.migrations import migrate;"
         "migrate(sys.argv[1])", empty_database],
        cwd=tmp_path, env={"PYTHONPATH": str(package.parent)}, check=True,
    )  # fmt: skip
    assert revision_of(empty_database) == [("0001",)]
