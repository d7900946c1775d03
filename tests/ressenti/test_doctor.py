"""The doctor names what is wrong and what to do."""

from pathlib import Path

import pytest

from ressenti.commands.doctor import main
from ressenti.doctor import Finding, Verdict, examine


@pytest.fixture(autouse=True)
def _nothing_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_model: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESSENTI_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("RESSENTI_MODEL", str(tiny_model))
    monkeypatch.setattr("ressenti.doctor._PATIENCE_SECONDS", 0.5)


def findings() -> dict[str, Finding]:
    return {finding.subject: finding for finding in examine()}


def test_each_check_is_made_and_one_that_fails_stops_no_other() -> None:
    found = findings()
    assert list(found) == ["settings", "disk", "kafka", "postgresql", "masking", "model"]
    assert found["kafka"].verdict is Verdict.PROBLEM
    assert "RESSENTI_BOOTSTRAP_SERVERS" in found["kafka"].what
    assert found["model"].what.startswith("tiny 0 runs on cpu; global_score (5)")
    assert found["masking"].verdict is Verdict.OK


def test_a_server_that_does_not_answer_is_a_problem_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESSENTI_DATABASE_URL", "postgresql://bot:hunter2@127.0.0.1:1/x")
    found = findings()["postgresql"]
    assert found.verdict is Verdict.PROBLEM
    assert "hunter2" not in found.what


def test_a_malformed_setting_is_the_first_and_last_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESSENTI_DEVICE", "abacus")
    found = list(examine())
    assert [finding.verdict for finding in found] == [Verdict.PROBLEM]
    assert "RESSENTI_DEVICE=abacus" in found[0].what


def test_a_problem_is_seen_in_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    assert "problem kafka" in capsys.readouterr().out
