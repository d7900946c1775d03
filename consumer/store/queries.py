"""Reads messages from the archive: by id, and page by page by words and filters."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import DictRow, dict_row

from consumer.contracts import TaggedMessage
from consumer.store.cleaning import storable_id
from consumer.store.connection import Connection
from consumer.store.filters import Filters, condition_on_content, condition_on_time

LARGEST_PAGE: Final = 1000
# A page of what is frequent is found among so many of the latest messages; what is not found
# there is rare enough to be collected from the other indexes.
LOOKED_THROUGH: Final = 20_000


@dataclass(frozen=True)
class ArchivedMessage:
    """A tagged message as it is kept.

    Attributes:
        message: the message with its tagging.
        occurred_at: when the customer sent it or, if that is unknown, when it was tagged.
        archived_at: when this tagging was written.
    """

    message: TaggedMessage
    occurred_at: datetime
    archived_at: datetime


@dataclass(frozen=True)
class Position:
    """Where a page ended: the moment and the id of its last message."""

    occurred_at: datetime
    id: str


@dataclass(frozen=True)
class Page:
    """Messages, latest first, and where the next page begins; None when there is no more."""

    messages: tuple[ArchivedMessage, ...]
    next: Position | None


async def message_by_id(connection: Connection, identifier: str) -> ArchivedMessage | None:
    """The message of that id, if it is there."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "SELECT * FROM tagged_messages WHERE id = %s", [storable_id(identifier)]
        )
        row = await cursor.fetchone()
    return None if row is None else _archived(row)


async def find_messages(
    connection: Connection, filters: Filters, limit: int = 20, after: Position | None = None
) -> Page:
    """One page of the messages that pass the filters, latest first.

    Args:
        connection: to the archive.
        filters: which messages.
        limit: at most so many, 1 to 1,000.
        after: where the page before ended; messages that arrive meanwhile shift nothing.

    Raises:
        ValueError: the limit is out of bounds.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise ValueError(f"limit must be 1 to {LARGEST_PAGE}")
    rows: list[DictRow] = []
    for build in (latest_statement, collecting_statement):
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(*build(filters, limit + 1, after))
            rows = await cursor.fetchall()
        if len(rows) > limit:
            break
    messages = tuple(_archived(row) for row in rows[:limit])
    if len(rows) <= limit:
        return Page(messages, None)
    last = messages[-1]
    return Page(messages, Position(last.occurred_at, last.message.id))


def latest_statement(
    filters: Filters, rows: int, after: Position | None
) -> tuple[str, dict[str, Any]]:
    """SQL for a page that looks through the latest messages only, and its parameters.

    No planner's guess at how frequent the words are can make it slow.
    """
    on_time, on_content, parameters = _page_conditions(filters, rows, after)
    inner = f"""
        SELECT id FROM (
            SELECT * FROM tagged_messages WHERE {on_time}
            ORDER BY occurred_at DESC, id DESC LIMIT {LOOKED_THROUGH}
        ) AS latest
        WHERE {on_content} ORDER BY occurred_at DESC, id DESC LIMIT %(rows)s
    """  # noqa: S608 - the conditions hold parameters, no values
    return _whole_rows(inner), parameters


def collecting_statement(
    filters: Filters, rows: int, after: Position | None
) -> tuple[str, dict[str, Any]]:
    """SQL for a page that first collects all that passes, and its parameters.

    OFFSET 0 keeps the planner from walking through the whole table by time instead.
    """
    on_time, on_content, parameters = _page_conditions(filters, rows, after)
    inner = f"""
        SELECT id FROM (
            SELECT id, occurred_at FROM tagged_messages WHERE {on_time} AND {on_content} OFFSET 0
        ) AS collected
        ORDER BY occurred_at DESC, id DESC LIMIT %(rows)s
    """  # noqa: S608 - the conditions hold parameters, no values
    return _whole_rows(inner), parameters


def _page_conditions(
    filters: Filters, rows: int, after: Position | None
) -> tuple[str, str, dict[str, Any]]:
    on_time, parameters = condition_on_time(filters)
    on_content, content_parameters = condition_on_content(filters)
    parameters |= content_parameters | {"rows": rows}
    if after is not None:
        on_time += " AND (occurred_at, id) < (%(after_moment)s, %(after_id)s)"
        parameters |= {"after_moment": after.occurred_at, "after_id": after.id}
    return on_time, on_content, parameters


def _whole_rows(ids: str) -> str:
    # Which rows is settled from narrow indexes; only those rows are then read whole.
    return f"""
        SELECT * FROM tagged_messages WHERE id IN ({ids}) ORDER BY occurred_at DESC, id DESC
    """  # noqa: S608 - made of the statements above


def _archived(row: DictRow) -> ArchivedMessage:
    message = TaggedMessage.model_validate(
        row["extra"]
        | {
            name: row[name]
            for name in (
                "id",
                "text",
                "subject",
                "channel",
                "language",
                "sent_at",
                "customer",
                "metadata",
                "confidence",
                "needs_review",
                "tagged_at",
            )
        }
        | {
            "global_score": {
                "label": row["score_label"],
                "score": row["score"],
                "probabilities": row["score_probabilities"],
            },
            "emotions": _labels(row["emotions"], row["emotion_probabilities"]),
            "causes": _labels(row["causes"], row["cause_probabilities"]),
            "model": {"name": row["model_name"], "version": row["model_version"]},
            "source": {
                "topic": row["source_topic"],
                "partition": row["source_partition"],
                "offset": row["source_offset"],
            },
        }
    )
    return ArchivedMessage(message, row["occurred_at"], row["archived_at"])


def _labels(labels: list[str], probabilities: list[float]) -> list[dict[str, Any]]:
    return [
        {"label": label, "probability": probability}
        for label, probability in zip(labels, probabilities, strict=True)
    ]
