"""Why a message cannot be tagged, and the record that says so in the dead-letter topic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import ValidationError

from consumer.contracts import DeadLetterHeaders, Header, dead_letter_headers

Stage = Literal["decode", "mask", "tokenize", "tag", "publish"]

# Long enough for a reason, short enough that headers never make a record too large.
_LONGEST_REASON = 500


class InputRecord(Protocol):
    """What is needed of a Kafka record; aiokafka's ConsumerRecord has it."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one message cannot be tagged.

    `reason` is one of few words, for metrics; `explanation` is for people, and never holds the
    customer's words.
    """

    stage: Stage
    reason: str
    exception: str
    explanation: str
    attempts: int = 1


def invalid_message(error: ValueError) -> Failure:
    """A record that holds no message, told without its content.

    Args:
        error: what `consumer.contracts.read_message` raised.
    """
    if not isinstance(error, ValidationError):
        return Failure("decode", "not_json", type(error).__name__, f"not JSON: {error}")
    problem = error.errors(include_input=False, include_url=False)[0]
    reason = "not_an_object" if problem["type"] == "model_type" else "invalid_field"
    # Only the first step of the way is ours; further down it may be the customer's words.
    where = f"{problem['loc'][0]}: " if problem["loc"] else ""
    return Failure("decode", reason, type(error).__name__, where + problem["msg"])


def unexpected(stage: Stage, error: Exception) -> Failure:
    """A message that made a stage fail; the error's own text may quote it, so it is left out."""
    return Failure(
        stage, "error", type(error).__name__, f"{stage} failed with {type(error).__name__}"
    )


def dead_letter_record_headers(
    record: InputRecord,
    failure: Failure,
    group: str,
    model_version: str,
    value_left_out: bool = False,
) -> list[Header]:
    """The headers of the dead letter for a record."""
    errors = DeadLetterHeaders(
        stage=failure.stage,
        exception=failure.exception,
        message=failure.explanation[:_LONGEST_REASON],
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        group=group,
        attempts=failure.attempts,
        model_version=model_version,
        value_left_out=value_left_out,
    )
    return dead_letter_headers(errors, record.headers)
