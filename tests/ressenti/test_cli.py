"""The command line: lazy, and clear about what is wrong."""

import json
import os
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest

from modeling.taxonomy import parse_taxonomy
from ressenti.cli import COMMANDS, main
from tests.conftest import write_tiny_model
from tests.ressenti.command import started

OTHER_TAXONOMY = """
name: other
version: 1
groups:
  - name: global_score
    kind: ordinal
    names: {fr: Score, en: Score}
    labels: [{code: S1, fr: a, en: a}, {code: S2, fr: b, en: b}]
"""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("RESSENTI_"):
            monkeypatch.delenv(name)


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a command in this process complains with."""
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return str(line)


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


def test_a_text_is_scored_as_json(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "Bonjour", "--model", str(tiny_model), "--json"]) == 0
    tagged = json.loads(capsys.readouterr().out)
    assert tagged["model"] == {"name": "tiny", "version": "0"}
    assert tagged["global_score"]["label"] in tagged["global_score"]["probabilities"]


def test_a_text_is_scored_for_people(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "Bonjour", "--model", str(tiny_model)]) == 0
    shown = capsys.readouterr().out
    assert "Score global" in shown
    assert "tiny 0" in shown


def test_an_empty_text_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "score", "  ") == (
        "ressenti score: the text is empty: there is nothing to tag"
    )


def test_no_model_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(capsys, "score", "Bonjour", "--model", "nowhere")
    assert said.startswith("ressenti score: ")
    assert "nowhere" in said


def test_a_model_of_another_taxonomy_is_refused_with_the_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_tiny_model(tmp_path / "other", parse_taxonomy(OTHER_TAXONOMY, "test"))
    said = complaint(capsys, "score", "Bonjour", "--model", str(model))
    assert "group emotions is missing" in said
    assert "RESSENTI_TAXONOMY" in said


def test_a_full_disk_is_told(tiny_model: Path, tmp_path: Path) -> None:
    arguments = ("score", "Bonjour", "--model", str(tiny_model), "--json")
    with Path("/dev/full").open("w") as full:
        process = started(*arguments, folder=tmp_path, output=full)
        _, complained = process.communicate()
    assert process.returncode == 2
    assert "Traceback" not in complained
    assert "the disk is full" in complained.splitlines()[-1]


def test_a_malformed_setting_is_told_before_anything_starts(tmp_path: Path) -> None:
    process = started("tag", folder=tmp_path, environment={"RESSENTI_API_PORT": "http"})
    _, complained = process.communicate()
    assert process.returncode == 2
    assert complained == (
        "ressenti tag: RESSENTI_API_PORT=http: Input should be a valid integer,"
        " unable to parse string as an integer (The API's port; 0 takes a free one.)\n"
    )


def test_a_thread_that_waits_does_not_keep_the_command_alive() -> None:
    code = (
        "import sys, threading, time; from ressenti.cli import run;"
        "threading.Thread(target=time.sleep, args=(100,)).start();"
        "sys.argv[1:] = ['score', '']; print('said', end=''); run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "said")
    assert "the text is empty" in done.stderr


def test_a_missing_package_is_told_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "aiokafka", None)
    monkeypatch.delitem(sys.modules, "ressenti.send", raising=False)
    assert complaint(capsys, "send", "-") == (
        "ressenti send: the package aiokafka is not installed; run: pip install 'ressenti[kafka]'"
    )


def test_every_command_names_an_extra_that_there_is() -> None:
    extras = set(metadata("ressenti").get_all("Provides-Extra") or [])
    assert {command.extra for command in COMMANDS.values()} <= extras


def test_what_the_bot_reads_through_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; import modeling.taxonomy, consumer.contracts, consumer.store.queries,"
        " ressenti.cli; print(sorted({'torch', 'transformers', 'spacy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
