import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.archive_records import Readable, read, refused, seconds_to_wait, write_isolating
from consumer.store.writes import UnreadableEvent
from tests.consumer.store.messages import tagged


@dataclass(frozen=True)
class Record:
    value: bytes | None
    key: bytes | None = b"key"
    topic: str = "support.messages.tagged"
    partition: int = 2
    offset: int = 17
    timestamp: int = 1_700_000_000_000
    headers: Sequence[tuple[str, bytes]] = field(default_factory=tuple)


def event(**changes: object) -> bytes:
    return json.dumps(tagged().model_dump(mode="json") | changes).encode()


def test_a_tagged_message_is_read_with_its_unknown_fields() -> None:
    found = read(Record(tagged().model_dump_json().encode()))
    assert isinstance(found, Readable)
    assert found.message == tagged()
    assert found.message.model_extra == {"priority": "high"}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(event(text="lone \ud800 surrogate"), id="escaped"),
        pytest.param(
            event(text="lone @@@ surrogate").replace(b"@@@", b"\xed\xa0\x80"), id="in bytes"
        ),
    ],
)
def test_a_lone_surrogate_costs_one_character_and_not_the_message(value: bytes) -> None:
    found = read(Record(value))
    assert isinstance(found, Readable)
    assert found.message.text == "lone \ufffd surrogate"


def test_ids_that_differ_in_a_lone_surrogate_stay_different() -> None:
    found = [read(Record(event(id=identifier))) for identifier in ("a\ud800", "a\udfff", "a\ufffd")]
    assert len({each.message.id for each in found if isinstance(each, Readable)}) == 3


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (None, "empty", "the record has no value"),
        (b"", "not_json", "JSONDecodeError"),
        (b"\xff\xfe\xff", "not_json", "UnicodeDecodeError"),
        (b'{"id": ' + b"9" * 5000 + b"}", "not_json", "ValueError"),
        (b"[" * 100_000, "not_json", "RecursionError"),
        (b"[]", "not_a_tagged_message", "model_type"),
        (event(confidence="secret"), "not_a_tagged_message", "confidence: float_parsing"),
        (event(text=None, tagged_at=None), "not_a_tagged_message", "text: string_type; tagged_at"),
    ],
)
def test_what_is_no_tagged_message_is_kept_as_it_came_without_its_words_in_the_reason(
    value: bytes | None, reason: str, detail: str
) -> None:
    record = Record(value)
    found = read(record)
    assert isinstance(found, UnreadableEvent)
    assert (found.reason, found.value, found.key) == (reason, value, b"key")
    assert (found.topic, found.partition, found.offset) == (record.topic, 2, 17)
    assert found.detail.startswith(detail)
    assert "secret" not in found.detail


def test_names_that_the_event_itself_holds_are_not_in_the_reason() -> None:
    score = {"label": "x", "score": 3, "probabilities": {"secret": "a", "secrets": "b"}}
    found = read(Record(event(global_score=score, confidence="high")))
    assert isinstance(found, UnreadableEvent)
    assert found.detail == "global_score: float_parsing; confidence: float_parsing"


def test_a_refused_message_keeps_its_bytes() -> None:
    found = read(Record(event(id="x")))
    assert isinstance(found, Readable)
    kept = refused(found, OverflowError("secret"))
    assert (kept.reason, kept.detail) == ("refused_by_database", "OverflowError")
    assert kept.value == event(id="x")


class FaultError(Exception):
    pass


def at_fault(error: Exception) -> bool:
    return isinstance(error, FaultError)


@given(st.lists(st.booleans(), max_size=70))
def test_every_good_item_is_written_once_and_every_bad_one_is_named(good: list[bool]) -> None:
    written: list[int] = []
    attempts = 0

    async def write(items: Sequence[int]) -> None:
        nonlocal attempts
        attempts += 1
        if not all(good[item] for item in items):
            raise FaultError
        written.extend(items)

    failed = asyncio.run(write_isolating(write, range(len(good)), at_fault))
    assert written == [item for item, fine in enumerate(good) if fine]
    assert [item for item, _ in failed] == [item for item, fine in enumerate(good) if not fine]
    # Each guilty item costs at most the way down to it, and its neighbour's write at each step.
    assert attempts <= 1 + len(failed) * 2 * 7


def test_an_error_that_is_no_item_s_fault_ends_it() -> None:
    async def write(items: Sequence[int]) -> None:
        raise OSError

    with pytest.raises(OSError):
        asyncio.run(write_isolating(write, [1, 2], at_fault))


@given(st.integers(1, 10_000))
def test_the_wait_grows_up_to_its_limit(failures: int) -> None:
    assert seconds_to_wait(1) == 0.5
    assert seconds_to_wait(failures) <= seconds_to_wait(failures + 1) <= 30.0
    assert seconds_to_wait(7) == 30.0
