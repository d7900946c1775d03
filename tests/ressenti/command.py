"""The command `ressenti` as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO


def started(
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    output: int | IO[str] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Starts `ressenti` in a folder, with no setting of Ressenti but those given."""
    inherited = {name: value for name, value in os.environ.items() if "RESSENTI" not in name}
    return subprocess.Popen(
        [sys.executable, "-m", "ressenti", *arguments],
        cwd=folder,
        env=inherited | dict(environment or {}),
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_line(process: subprocess.Popen[str], words: str) -> None:
    """Reads what a process says until it says these words; fails at once if it ends before."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return
    _, complained = process.communicate()
    raise AssertionError(f"ended with {process.returncode}: {''.join(said)}{complained}")
