"""From a record of the tagged topic to what the archive writes; knows no loop and no database."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import psycopg
from pydantic import ValidationError

from consumer.contracts import TaggedMessage
from consumer.deadletter import InputRecord
from consumer.store.cleaning import storable_id, storable_json
from consumer.store.writes import UnreadableEvent

EMPTY: Final = "empty"
NOT_JSON: Final = "not_json"
NOT_A_TAGGED_MESSAGE: Final = "not_a_tagged_message"
REFUSED: Final = "refused_by_database"

_PROBLEMS_NAMED = 5
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0

Item = TypeVar("Item")


@dataclass(frozen=True)
class Readable:
    """A record and the tagged message in it."""

    record: InputRecord
    message: TaggedMessage


def read(record: InputRecord) -> Readable | UnreadableEvent:
    """The tagged message in a record, or why there is none."""
    if record.value is None:
        return unreadable(record, EMPTY, "the record has no value")
    try:
        return Readable(record, TaggedMessage.model_validate_json(record.value))
    except ValidationError:
        return _read_leniently(record, record.value)


def _read_leniently(record: InputRecord, value: bytes) -> Readable | UnreadableEvent:
    # The quick reader refuses lone surrogates, which JSON allows.
    try:
        event = json.loads(value)
    except (ValueError, RecursionError) as error:
        return unreadable(record, NOT_JSON, type(error).__name__)
    try:
        clean = storable_json(event)
        if isinstance(event, dict) and isinstance(event.get("id"), str):
            clean["id"] = storable_id(event["id"])
        return Readable(record, TaggedMessage.model_validate(clean))
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)[:_PROBLEMS_NAMED]
        # Only the first step of the way is ours; further down it may be the customer's words.
        named = [": ".join([*map(str, each["loc"][:1]), each["type"]]) for each in problems]
        return unreadable(record, NOT_A_TAGGED_MESSAGE, "; ".join(dict.fromkeys(named)))
    except RecursionError as error:
        return unreadable(record, NOT_JSON, type(error).__name__)


def refused(readable: Readable, error: Exception) -> UnreadableEvent:
    """A message that the database will not take, kept as it came."""
    code = error.sqlstate if isinstance(error, psycopg.Error) else None
    return unreadable(readable.record, REFUSED, f"{type(error).__name__} {code or ''}".strip())


def unreadable(record: InputRecord, reason: str, detail: str) -> UnreadableEvent:
    """The record with a reason; `detail` must hold none of the customer's words."""
    return UnreadableEvent(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        reason=reason,
        detail=detail,
        key=record.key,
        value=record.value,
    )


async def write_isolating(
    write: Callable[[Sequence[Item]], Awaitable[None]],
    items: Sequence[Item],
    at_fault: Callable[[Exception], bool],
) -> list[tuple[Item, Exception]]:
    """Writes a batch; where an item is at fault, halves it until that one is alone.

    Args:
        write: writes all of what it is given, or nothing and raises.
        items: the batch.
        at_fault: whether an error is an item's own.

    Returns:
        The items that were not written, each with its error.

    Raises:
        Exception: whatever `write` raises that is no item's fault.
    """
    if not items:
        return []
    try:
        await write(items)
    except Exception as error:
        if not at_fault(error):
            raise
        if len(items) == 1:
            return [(items[0], error)]
        middle = len(items) // 2
        first = await write_isolating(write, items[:middle], at_fault)
        return first + await write_isolating(write, items[middle:], at_fault)
    return []


def seconds_to_wait(failures: int) -> float:
    """How long to wait after so many failures in a row, at least one: twice as long each time."""
    # Past 2^20 the limit holds in any case, and the power would outgrow a float.
    return min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** min(failures - 1, 20))
