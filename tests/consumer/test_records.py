"""From an input record to the record that is published for it."""

import json

import pytest
from prometheus_client import CollectorRegistry

from consumer.contracts import Message
from consumer.deadletter import Failure
from consumer.metrics import TaggerMetrics
from consumer.pipeline import TextTagged
from consumer.records import RecordBuilder
from consumer.settings import TaggerSettings
from tests.consumer.parts import InputRecordStandIn
from tests.consumer.test_contracts import TAGGED

TOPICS = {"support.messages": 6, "support.messages.tagged": 6, "support.messages.dlq": 1}
MASKED = TextTagged("Ici [PERSONNE]", None, TAGGED)


def builder(registry: CollectorRegistry | None = None, **settings: object) -> RecordBuilder:
    metrics = TaggerMetrics(registry or CollectorRegistry())
    return RecordBuilder(TaggerSettings.model_validate(settings), TOPICS, "7", metrics)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no_value"),
        (b"nothing", "not_json"),
        (b'{"text": "caf\xe9"}', "not_json"),
        (b"[1]", "not_an_object"),
        (b'{"text": 5}', "invalid_field"),
        (b'{"text": ""}', "invalid_field"),
    ],
)
def test_a_malformed_record_says_why(value: bytes | None, reason: str) -> None:
    failure = builder().decode(InputRecordStandIn(value))
    assert isinstance(failure, Failure)
    assert (failure.stage, failure.reason) == ("decode", reason)


def test_a_failure_never_quotes_the_customer() -> None:
    value = json.dumps(
        {"text": "x", "sent_at": "SECRET", "metadata": "SECRET", "customer": {"SECRET": 1}}
    )
    failure = builder().decode(InputRecordStandIn(value.encode()))
    assert isinstance(failure, Failure)
    assert "SECRET" not in failure.explanation


def test_a_dead_letter_is_the_record_s_own_bytes_with_why_and_where() -> None:
    record = InputRecordStandIn(
        b"\xff\x00", partition=3, offset=9, key=b"k", headers=[("trace", b"1")]
    )
    failure = Failure("decode", "not_json", "ValueError", "not JSON")
    letter = builder(tagger_group="g").dead_letter(record, failure)
    assert (letter.topic, letter.key, letter.value) == ("support.messages.dlq", b"k", b"\xff\x00")
    headers = dict(letter.headers)
    assert headers["trace"] == b"1"
    assert headers["__errors.stage"] == b"decode"
    assert headers["__errors.partition"] == b"3"
    assert headers["__errors.offset"] == b"9"
    assert headers["__errors.group"] == b"g"
    assert headers["__errors.model_version"] == b"7"


def test_the_partition_number_is_kept_where_the_counts_match() -> None:
    record = InputRecordStandIn(b"{}", partition=4)
    message = Message(text="Ici Jeanne")
    assert builder().tagged(record, message, MASKED).partition == 4
    assert builder().dead_letter(record, Failure("decode", "r", "E", "e")).partition is None


def test_published_text_is_masked_unless_a_setting_keeps_it() -> None:
    record = InputRecordStandIn(b"{}")
    message = Message(text="Ici Jeanne")
    masked = builder().tagged(record, message, MASKED)
    raw = builder(keep_raw_text=True).tagged(record, message, MASKED)
    assert json.loads(masked.value or b"")["text"] == "Ici [PERSONNE]"
    assert json.loads(raw.value or b"")["text"] == "Ici Jeanne"


def test_a_tagged_message_too_large_for_its_topic_becomes_a_dead_letter() -> None:
    record = InputRecordStandIn(b"the bytes")
    outgoing = builder().tagged(record, Message(text="x"), MASKED)
    assert outgoing.instead is not None
    letter = outgoing.instead()
    assert letter.value == b"the bytes"
    assert dict(letter.headers)["__errors.stage"] == b"publish"
    assert dict(letter.headers)["__errors.value_left_out"] == b"False"


def test_a_dead_letter_too_large_for_its_topic_says_where_the_value_still_is() -> None:
    record = InputRecordStandIn(b"the bytes", partition=2, offset=5, key=b"k")
    letter = builder().dead_letter(record, Failure("decode", "not_json", "ValueError", "not JSON"))
    assert letter.instead is not None
    bare = letter.instead()
    assert (bare.key, bare.value, bare.instead) == (b"k", None, None)
    headers = dict(bare.headers)
    assert headers["__errors.value_left_out"] == b"True"
    assert (headers["__errors.partition"], headers["__errors.offset"]) == (b"2", b"5")


def test_a_message_whose_event_cannot_be_made_is_a_dead_letter() -> None:
    impossible = TextTagged("x" * 3, None, TAGGED.model_copy(update={"confidence": 7.0}))
    outgoing = builder().outcome(InputRecordStandIn(b"bytes"), Message(text="x"), impossible)
    assert outgoing.value == b"bytes"
    assert dict(outgoing.headers)["__errors.stage"] == b"publish"


def test_nothing_is_counted_before_it_is_acknowledged() -> None:
    registry = CollectorRegistry()
    record = InputRecordStandIn(b"{}")
    records = builder(registry)
    outgoing = records.tagged(record, Message(text="x"), MASKED)
    labels = {"group": "global_score", "label": "S4"}
    assert registry.get_sample_value("ressenti_labels_total", labels) is None
    outgoing.acknowledged()
    assert registry.get_sample_value("ressenti_labels_total", labels) == 1
    letter = records.dead_letter(record, Failure("tag", "error", "E", "e"))
    stage = {"stage": "tag", "reason": "error"}
    assert registry.get_sample_value("ressenti_dead_letters_total", stage) is None
    letter.acknowledged()
    assert registry.get_sample_value("ressenti_dead_letters_total", stage) == 1
