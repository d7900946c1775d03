import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modeling.directory_swap import probe, replaced_as_a_whole


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    directory.mkdir()
    (directory / "weights").write_text("old")
    (directory / "notes").write_text("a person's")
    return directory


def fail(place: Path) -> None:
    with replaced_as_a_whole(place) as new:
        (new / "weights").write_text("half")
        raise OSError("the disk is full")


def replace(place: Path) -> None:
    with replaced_as_a_whole(place) as new:
        (new / "weights").write_text("new")


def test_new_files_replace_their_namesakes_and_others_stay(place: Path) -> None:
    replace(place)
    assert contents(place) == {"weights": "new", "notes": "a person's"}
    assert [path.name for path in place.parent.iterdir()] == ["model"]


def test_a_directory_that_is_not_there_is_made(tmp_path: Path) -> None:
    replace(tmp_path / "far" / "model")
    assert contents(tmp_path / "far" / "model") == {"weights": "new"}


def test_a_link_to_a_directory_stays_a_link(place: Path) -> None:
    link = place.parent / "link"
    link.symlink_to(place)
    replace(link)
    assert link.is_symlink()
    assert contents(place)["weights"] == "new"


def test_a_failure_while_writing_leaves_the_old_files(place: Path) -> None:
    with pytest.raises(OSError, match="disk"):
        fail(place)
    assert contents(place) == {"weights": "old", "notes": "a person's"}
    assert [path.name for path in place.parent.iterdir()] == ["model"]


def test_a_process_killed_while_writing_leaves_the_old_files(place: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from modeling.directory_swap import replaced_as_a_whole
with replaced_as_a_whole(Path({str(place)!r})) as new:
    (new / "weights").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert contents(place) == {"weights": "old", "notes": "a person's"}
    replace(place)
    assert contents(place) == {"weights": "new", "notes": "a person's"}
    assert [path.name for path in place.parent.iterdir()] == ["model"]


def test_what_was_killed_between_the_two_renames_is_brought_back(place: Path) -> None:
    place.rename(place.with_name(".model.old"))
    replace(place)
    assert contents(place) == {"weights": "new", "notes": "a person's"}


def test_what_was_killed_after_the_two_renames_loses_no_file(place: Path) -> None:
    place.rename(place.with_name(".model.old"))
    place.mkdir()
    (place / "weights").write_text("newer")
    with pytest.raises(OSError, match="disk"):
        fail(place)
    assert contents(place) == {"weights": "newer", "notes": "a person's"}


def test_a_probe_changes_nothing(place: Path) -> None:
    probe(place)
    assert contents(place) == {"weights": "old", "notes": "a person's"}
    assert [path.name for path in place.parent.iterdir()] == ["model"]


def test_a_probe_tells_what_can_never_be_replaced(place: Path) -> None:
    with pytest.raises(OSError, match="file"):
        probe(place / "notes")
    with pytest.raises(OSError, match="mount point"):
        probe(Path("/proc"))
