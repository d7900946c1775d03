"""The events' shapes and headers."""

import json
from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from consumer.contracts import (
    DeadLetterHeaders,
    GlobalScore,
    Message,
    ModelVersion,
    Source,
    TaggedText,
    cloud_event_headers,
    dead_letter_headers,
    read_message,
)
from consumer.enrichment import message_id, tagged_message

SOURCE = Source(topic="support.messages", partition=2, offset=41)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TAGGED = TaggedText(
    global_score=GlobalScore(label="S4", score=3.1, probabilities={"S4": 1.0}),
    emotions=[],
    causes=[],
    confidence=0.8,
    needs_review=False,
    model=ModelVersion(name="starter", version="1"),
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OWN_NAMES = set(TaggedText.model_fields) | {"id", "text", "subject", "source", "tagged_at"}


def test_a_message_needs_only_a_text() -> None:
    assert read_message(b'{"text": "Bonjour"}').text == "Bonjour"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"not json",
        b'{"text": "cut',
        b"[]",
        b'"text"',
        b"{}",
        b'{"text": null}',
        b'{"text": 3}',
        b'{"text": ""}',
        b'{"text": " \\n "}',
        b'{"text": "caf\xe9"}',
        b'{"text": "\\ud800"}',
        b'{"text": "x", "sent_at": "yesterday"}',
        b'{"text": "x", "sent_at": "0001-01-01T00:00:00+14:00"}',
        b'{"text": "x", "metadata": 3}',
        b'{"text": "x", "amount": Infinity}',
        b'{"text": "x", "amount": NaN}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError):
        read_message(value)


def test_a_subject_alone_is_something_to_tag() -> None:
    assert read_message(b'{"text": "", "subject": "Merci !"}').subject == "Merci !"


def test_a_number_names_a_message_as_well_as_a_text() -> None:
    message = read_message(b'{"text": "x", "id": 17, "customer": 4}')
    assert (message.id, message.customer) == ("17", "4")


def test_a_moment_without_a_zone_is_utc() -> None:
    message = read_message(b'{"text": "x", "sent_at": "2026-03-01T12:00:00"}')
    assert message.sent_at == NOW


def test_a_message_without_id_gets_one_from_its_place() -> None:
    assert message_id(Message(text="x"), SOURCE) == "support.messages-2-41"
    assert message_id(Message(text="x", id="m1"), SOURCE) == "m1"


@given(st.dictionaries(st.text(min_size=1), json_values, max_size=5))
def test_unknown_fields_are_handed_on_unchanged(extra: dict[str, Any]) -> None:
    unknown = {
        name: value
        for name, value in extra.items()
        if name not in OWN_NAMES and name not in Message.model_fields
    }
    message = read_message(json.dumps({"text": "x"} | unknown).encode())
    event = tagged_message(message, ("x", None), TAGGED, SOURCE, NOW)
    published = json.loads(event.model_dump_json())
    assert {name: published[name] for name in unknown} == unknown


def test_the_tagging_wins_over_an_input_field_of_its_name() -> None:
    message = read_message(b'{"text": "x", "global_score": "S1", "model": 3}')
    event = tagged_message(message, ("x", None), TAGGED, SOURCE, NOW)
    assert event.global_score.label == "S4"
    assert event.model.name == "starter"


def test_a_tagged_message_carries_the_masked_text() -> None:
    message = Message(text="Je suis Jeanne", subject="De Jeanne")
    event = tagged_message(message, ("Je suis [PERSONNE]", "De [PERSONNE]"), TAGGED, SOURCE, NOW)
    assert "Jeanne" not in event.model_dump_json()


def test_cloud_event_headers_replace_incoming_ones_and_pass_the_rest() -> None:
    event = tagged_message(Message(text="x"), ("x", None), TAGGED, SOURCE, NOW)
    incoming = [("traceparent", b"00-abc"), ("ce_id", b"old"), ("Content-Type", b"text/plain")]
    headers = cloud_event_headers(event, incoming)
    assert ("traceparent", b"00-abc") in headers
    assert [value for name, value in headers if name == "ce_id"] == [event.id.encode()]
    assert [name for name, _ in headers if name.lower() == "content-type"] == ["content-type"]
    assert dict(headers)["ce_specversion"] == b"1.0"


def test_dead_letter_headers_keep_the_incoming_ones_and_replace_an_older_failure() -> None:
    errors = DeadLetterHeaders(
        stage="decode",
        exception="ValidationError",
        message="Invalid JSON",
        topic="t",
        partition=0,
        offset=3,
        timestamp=5,
        group="g",
        attempts=1,
        model_version="1",
    )
    headers = dead_letter_headers(errors, [("trace", b"\xff"), ("__errors.stage", b"old")])
    assert headers[0] == ("trace", b"\xff")
    assert dict(headers)["__errors.stage"] == b"decode"
    assert dict(headers)["__errors.offset"] == b"3"
    assert len(headers) == 1 + len(DeadLetterHeaders.model_fields)
