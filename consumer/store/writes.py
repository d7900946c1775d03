"""Writes tagged messages and unreadable events; writing the same thing twice changes nothing."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import psycopg

from consumer.contracts import TaggedMessage
from consumer.store.cleaning import storable_id, storable_json, storable_text
from consumer.store.connection import Connection

# The columns that are written, with their types; the rest is the database's own doing.
_COLUMNS: Final = {
    "id": "text",
    "text": "text",
    "subject": "text",
    "channel": "text",
    "language": "text",
    "customer": "text",
    "sent_at": "timestamptz",
    "metadata": "jsonb",
    "extra": "jsonb",
    "score_label": "text",
    "score": "double precision",
    "score_probabilities": "jsonb",
    "emotions": "text[]",
    "emotion_probabilities": "double precision[]",
    "causes": "text[]",
    "cause_probabilities": "double precision[]",
    "confidence": "double precision",
    "needs_review": "boolean",
    "model_name": "text",
    "model_version": "text",
    "source_topic": "text",
    "source_partition": "integer",
    "source_offset": "bigint",
    "tagged_at": "timestamptz",
}
_NAMES = ", ".join(_COLUMNS)
_RANK = ("tagged_at", "source_topic", "source_partition", "source_offset")

_WRITE_MESSAGES = f"""
INSERT INTO tagged_messages AS present ({_NAMES})
SELECT {_NAMES}
FROM jsonb_to_recordset(%s::jsonb)
    AS given ({", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())})
ON CONFLICT (id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "id")},
    archived_at = now()
WHERE ({", ".join(f"excluded.{name}" for name in _RANK)})
    > ({", ".join(f"present.{name}" for name in _RANK)})
"""  # noqa: S608 - nothing here comes from outside

_WRITE_UNREADABLE = """
INSERT INTO unreadable_events
    (topic, partition, record_offset, record_timestamp, reason, detail, key, value)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class UnreadableEvent:
    """An event that the archive cannot take, as it came from Kafka.

    Attributes:
        topic: where it stood.
        partition: where it stood.
        offset: where it stood.
        timestamp: Kafka's timestamp of it, milliseconds since 1970.
        reason: one of a few codes, fit for a metric's label.
        detail: what was wrong, without the customer's words.
        key: the record's key, unchanged.
        value: the record's value, unchanged.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None


def _rank(message: TaggedMessage) -> tuple[datetime, str, int, int]:
    source = message.source
    return (message.tagged_at, source.topic, source.partition, source.offset)


def newest(messages: Iterable[TaggedMessage]) -> list[TaggedMessage]:
    """One message an id, the one tagged last, ordered by id.

    The order keeps two programs that write the same ids from waiting for each other in a circle.
    """
    latest: dict[str, TaggedMessage] = {}
    for message in messages:
        identifier = storable_id(message.id)
        present = latest.get(identifier)
        if present is None or _rank(message) > _rank(present):
            latest[identifier] = message
    return [latest[identifier] for identifier in sorted(latest)]


async def write_messages(connection: Connection, messages: Sequence[TaggedMessage]) -> None:
    """Writes the messages in one transaction; of one id, the newest tagging stays.

    Raises:
        psycopg.Error: nothing was written; see `is_a_message_at_fault`.
        OverflowError: a moment lies outside the calendar in UTC.
    """
    rows = json.dumps([_row(message) for message in newest(messages)], ensure_ascii=False)
    async with connection.transaction():
        await connection.execute(_WRITE_MESSAGES, [rows])


def is_a_message_at_fault(error: Exception) -> bool:
    """Whether a write failed for what is in a message, so that trying again cannot help."""
    return isinstance(
        error,
        psycopg.DataError
        | psycopg.IntegrityError
        | psycopg.errors.ProgramLimitExceeded
        | psycopg.errors.StatementTooComplex
        | OverflowError,
    )


async def write_unreadable_events(
    connection: Connection, events: Sequence[UnreadableEvent]
) -> None:
    """Keeps the events in one transaction; those that are there already stay as they are."""
    rows = [
        (
            event.topic,
            event.partition,
            event.offset,
            event.timestamp,
            event.reason,
            storable_text(event.detail),
            event.key,
            event.value,
        )
        for event in events
    ]
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(_WRITE_UNREADABLE, rows)


def _row(message: TaggedMessage) -> dict[str, Any]:
    score = message.global_score
    return {
        "id": storable_id(message.id),
        "text": storable_text(message.text),
        "subject": _text(message.subject),
        "channel": _text(message.channel),
        "language": _text(message.language),
        "customer": _text(message.customer),
        "sent_at": _moment(message.sent_at),
        "metadata": storable_json(message.metadata),
        "extra": storable_json(message.model_extra or {}),
        "score_label": storable_text(score.label),
        "score": score.score,
        "score_probabilities": storable_json(score.probabilities),
        "emotions": [storable_text(found.label) for found in message.emotions],
        "emotion_probabilities": [found.probability for found in message.emotions],
        "causes": [storable_text(found.label) for found in message.causes],
        "cause_probabilities": [found.probability for found in message.causes],
        "confidence": message.confidence,
        "needs_review": message.needs_review,
        "model_name": storable_text(message.model.name),
        "model_version": storable_text(message.model.version),
        "source_topic": storable_text(message.source.topic),
        "source_partition": message.source.partition,
        "source_offset": message.source.offset,
        "tagged_at": _moment(message.tagged_at),
    }


def _text(text: str | None) -> str | None:
    return None if text is None else storable_text(text)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
