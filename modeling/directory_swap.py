"""A directory whose files are replaced together, or not at all.

The new files are written into a sibling, and the two directories then change places by renaming.
A process killed before that leaves the old files, one killed after it the new ones. Only between
the two renames is there no directory; the old one then waits beside it, and the next replacement
brings it back first.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced_as_a_whole(directory: Path) -> Iterator[Path]:
    """Gives an empty directory to write into, which takes the other's place when all went well.

    Files of the old directory that have no namesake in the new one move into the new one.

    Args:
        directory: made if missing, its parents too; may be a link to a directory.

    Raises:
        OSError: something cannot be written or renamed; the old files are still in place.
    """
    place = directory.resolve()
    new, old = _sibling(place, "new"), _sibling(place, "old")
    place.parent.mkdir(parents=True, exist_ok=True)
    _tidy(place, new, old)
    new.mkdir()
    try:
        yield new
        if place.exists():
            place.rename(old)
        new.rename(place)
    finally:
        _tidy(place, new, old)


def probe(directory: Path) -> None:
    """Tries whether `replaced_as_a_whole` could work there; the directory stays as it is.

    Raises:
        OSError: it could not.
    """
    place = directory.resolve()
    if place.exists() and not place.is_dir():
        raise NotADirectoryError("it is a file")
    if place.is_mount():
        raise OSError("it is a mount point, which cannot be renamed; name a directory in it")
    new = _sibling(place, "new")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    try:
        (new / "probe").write_bytes(b"")
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _sibling(place: Path, role: str) -> Path:
    return place.with_name(f".{place.name}.{role}")


def _tidy(place: Path, new: Path, old: Path) -> None:
    """Leaves one directory, whatever moment the last replacement ended at."""
    shutil.rmtree(new, ignore_errors=True)
    if not old.exists():
        return
    if not place.exists():
        old.rename(place)
        return
    for path in old.iterdir():
        if not (place / path.name).exists():
            path.rename(place / path.name)
    shutil.rmtree(old)
