"""The command line: lazy, and clear about what is wrong."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from modeling.taxonomy import parse_taxonomy
from ressenti.cli import COMMANDS, main
from tests.conftest import write_tiny_model

OTHER_TAXONOMY = """
name: other
version: 1
groups:
  - name: global_score
    kind: ordinal
    names: {fr: Score, en: Score}
    labels: [{code: S1, fr: a, en: a}, {code: S2, fr: b, en: b}]
"""


def ressenti(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None, output: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs the command as a person does."""
    with Path(output or "/dev/null").open("w") as sink:
        return subprocess.run(
            [sys.executable, "-m", "ressenti", *arguments],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder)} | dict(environment or {}),
            stdout=sink if output else subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=100,
            check=False,
        )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that the command ended with."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_without_a_command_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(f"  {command} " in listed for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: ressenti {command}" in capsys.readouterr().out


def test_help_lists_every_setting_with_default_and_unit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["tag", "--help"])
    shown = capsys.readouterr().out
    assert "RESSENTI_DRAIN_TIMEOUT_SECONDS [20.0 seconds]" in shown
    assert "RESSENTI_API_TOKEN [none]" in shown


def test_a_text_is_scored_as_json(tiny_model: Path, tmp_path: Path) -> None:
    text = "Bonjour, ici jeanne@example.org"
    done = ressenti("score", text, "--model", str(tiny_model), "--json", folder=tmp_path)
    tagged = json.loads(done.stdout)
    assert tagged["model"] == {"name": "tiny", "version": "0"}
    assert tagged["global_score"]["label"] in tagged["global_score"]["probabilities"]


def test_a_text_is_scored_for_people(tiny_model: Path, tmp_path: Path) -> None:
    done = ressenti("score", "Bonjour", "--model", str(tiny_model), folder=tmp_path)
    assert "Score global" in done.stdout
    assert "tiny 0" in done.stdout


def test_an_empty_text_is_refused(tmp_path: Path) -> None:
    assert complaint(ressenti("score", "  ", folder=tmp_path)) == (
        "ressenti score: the text is empty: there is nothing to tag"
    )


def test_no_model_is_told(tmp_path: Path) -> None:
    said = complaint(ressenti("score", "Bonjour", "--model", "nowhere", folder=tmp_path))
    assert said.startswith("ressenti score: ")
    assert "nowhere" in said


def test_a_model_of_another_taxonomy_is_refused_with_the_difference(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "other", parse_taxonomy(OTHER_TAXONOMY, "test"))
    said = complaint(ressenti("score", "Bonjour", "--model", str(model), folder=tmp_path))
    assert "group emotions is missing" in said
    assert "RESSENTI_TAXONOMY" in said


def test_a_full_disk_is_told(tiny_model: Path, tmp_path: Path) -> None:
    arguments = ("score", "Bonjour", "--model", str(tiny_model), "--json")
    said = complaint(ressenti(*arguments, folder=tmp_path, output="/dev/full"))
    assert "the disk is full" in said


def test_a_malformed_setting_is_told_before_anything_starts(tmp_path: Path) -> None:
    done = ressenti("tag", folder=tmp_path, environment={"RESSENTI_API_PORT": "http"})
    assert complaint(done) == (
        "ressenti tag: RESSENTI_API_PORT=http: Input should be a valid integer,"
        " unable to parse string as an integer"
    )


def test_what_the_bot_reads_through_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; import modeling.taxonomy, consumer.contracts, consumer.store.queries,"
        " ressenti.cli; print(sorted({'torch', 'transformers', 'spacy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
