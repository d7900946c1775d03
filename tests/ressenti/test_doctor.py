"""The doctor names what is wrong and what to do."""

from pathlib import Path

import pytest

from consumer.settings import KafkaSettings
from modeling.errors import OperatorError
from ressenti.broker import EmbeddedBroker
from ressenti.commands.doctor import main
from ressenti.doctor import Finding, Verdict, examine
from ressenti.doctor_kafka import advice, look_at_kafka


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
    found = next(finding for finding in examine() if finding.subject == "postgresql")
    assert found.verdict is Verdict.PROBLEM
    assert "hunter2" not in found.what


def test_a_malformed_setting_is_the_first_and_last_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESSENTI_DEVICE", "abacus")
    found = list(examine())
    assert [finding.verdict for finding in found] == [Verdict.PROBLEM]
    assert "RESSENTI_DEVICE=abacus" in found[0].what


async def test_topics_that_will_be_made_are_announced_and_not_made() -> None:
    with EmbeddedBroker() as broker:
        allowed = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, create_topics=True)
        for _ in range(2):
            found, advised = await look_at_kafka(allowed)
            assert found.endswith("it has none of the topics")
            assert advised == [
                "support.messages, support.messages.tagged, support.messages.dlq"
                " will be made at the first start"
            ]
        not_allowed = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        with pytest.raises(OperatorError, match="set RESSENTI_CREATE_TOPICS=true"):
            await look_at_kafka(not_allowed)


def test_topics_that_suit_the_tagger_need_no_advice() -> None:
    counts = {"support.messages": 3, "support.messages.tagged": 3, "support.messages.dlq": 1}
    largest = {"support.messages": 1000, "support.messages.dlq": 1000 + 65_536}
    assert advice(KafkaSettings(), counts, largest) == []
    assert advice(KafkaSettings(), {}, {}) == []


def test_other_partition_counts_and_too_small_a_dead_letter_topic_are_told() -> None:
    counts = {"support.messages": 3, "support.messages.tagged": 2}
    largest = {"support.messages": 1000, "support.messages.dlq": 1000}
    on_counts, on_sizes = advice(KafkaSettings(), counts, largest)
    assert "give support.messages and support.messages.tagged the same count" in on_counts
    assert "support.messages.dlq takes max.message.bytes=1000" in on_sizes
    assert "set it to 66536 or more" in on_sizes


def test_a_problem_is_seen_in_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESSENTI_DEVICE", "abacus")
    assert main([]) == 1
    assert capsys.readouterr().out.startswith("problem settings ")
