"""Counts and mean scores: in all, by label, and by stretch of time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from consumer.store.connection import Connection
from consumer.store.filters import Filters, condition_on_content, condition_on_time


class Group(StrEnum):
    """What to count by."""

    SCORE = "score"
    EMOTION = "emotion"
    CAUSE = "cause"
    CHANNEL = "channel"


class Bucket(StrEnum):
    """How long a stretch of time is."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Statistics:
    """How many messages, and how their customers feel.

    Attributes:
        messages: how many.
        mean_score: on the scale 0 (very positive) … 4 (very negative); None without messages.
        label: the label that they share; None when nobody asked, or for those without a channel.
        start: the stretch of time that they share begins here; None when nobody asked.
    """

    messages: int
    mean_score: float | None
    label: str | None = None
    start: datetime | None = None


# A message with several emotions or causes counts once for each; with none, not at all.
_LABELS: Final = {
    Group.SCORE: ("score_label", ""),
    Group.EMOTION: ("label", "CROSS JOIN unnest(emotions) AS label"),
    Group.CAUSE: ("label", "CROSS JOIN unnest(causes) AS label"),
    Group.CHANNEL: ("channel", ""),
}


async def statistics(connection: Connection, filters: Filters) -> Statistics:
    """Count and mean score of all the messages that pass the filters."""
    (found,) = await _fetch(connection, *statistics_statement(filters))
    return found


async def statistics_by(
    connection: Connection, filters: Filters, group: Group
) -> tuple[Statistics, ...]:
    """The same for each label that occurs, in the order of the labels."""
    return await _fetch(connection, *statistics_statement(filters, group))


async def statistics_by_time(
    connection: Connection,
    filters: Filters,
    bucket: Bucket,
    group: Group | None = None,
    zone: str = "UTC",
) -> tuple[Statistics, ...]:
    """The same for each stretch of time in which there are messages, earliest first.

    Args:
        connection: to the archive.
        filters: which messages.
        bucket: how long a stretch is; weeks begin on Monday.
        group: splits each stretch by label as well.
        zone: days begin at midnight in this time zone, such as Europe/Paris.
    """
    return await _fetch(connection, *statistics_statement(filters, group, bucket, zone))


def statistics_statement(
    filters: Filters,
    group: Group | None = None,
    bucket: Bucket | None = None,
    zone: str = "UTC",
) -> tuple[str, dict[str, Any]]:
    """The SQL of any of these questions, and its parameters."""
    on_time, parameters = condition_on_time(filters)
    on_content, content_parameters = condition_on_content(filters)
    parameters |= content_parameters
    label, join = _LABELS[group] if group else ("NULL", "")
    start = "NULL::timestamptz"
    if bucket is not None:
        start = "date_trunc(%(bucket)s, occurred_at, %(zone)s)"
        parameters |= {"bucket": bucket.value, "zone": zone}
    grouped = "GROUP BY 4, 3 ORDER BY 4, 3" if group or bucket else ""
    statement = f"""
        SELECT count(*), avg(score), {label}, {start}
        FROM tagged_messages {join} WHERE {on_time} AND {on_content} {grouped}
    """  # noqa: S608 - the conditions hold parameters, no values
    return statement, parameters


async def _fetch(
    connection: Connection, statement: str, parameters: dict[str, Any]
) -> tuple[Statistics, ...]:
    cursor = await connection.execute(statement, parameters)
    return tuple(Statistics(*row) for row in await cursor.fetchall())
