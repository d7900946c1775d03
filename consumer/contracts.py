"""Every event on Kafka, and the headers that go with it.

JSON Schema and the AsyncAPI document in `deploy/contracts/` are made from these models by
`consumer.schemas`. This module knows the shape of things and nothing of how they travel.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import from_json

Header = tuple[str, bytes]

CONTENT_TYPE: Final = "application/json"
TAGGED_EVENT_TYPE: Final = "ressenti.message.tagged.v1"
ERROR_HEADER_PREFIX: Final = "__errors."


def _number_to_text(value: object) -> object:
    # Producers number their messages and customers; a number is as good a name as a text.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:  # the first and the last day of the calendar
        raise ValueError("the moment lies outside the calendar in UTC") from error


Identifier = Annotated[
    str,
    BeforeValidator(_number_to_text),
    Field(min_length=1, max_length=512),
    WithJsonSchema({"type": ["string", "integer"], "minLength": 1, "maxLength": 512}),
]
# Such fields are filtered by, and a database's index holds no long ones.
ShortText = Annotated[str, Field(max_length=256)]
Moment = Annotated[datetime, AfterValidator(_in_utc)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Message(BaseModel):
    """What a customer sent, as producers write it to the input topic.

    Fields that are not listed here are kept and handed on.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Identifier | None = Field(
        default=None,
        description="Unique name of the message; made from topic, partition and offset if absent.",
    )
    text: str = Field(description="The customer's words.")
    subject: str | None = Field(default=None, description="The subject line, if there is one.")
    channel: ShortText | None = Field(
        default=None, description="Where it came in: e-mail, chat, form…"
    )
    language: ShortText | None = Field(default=None, description="BCP 47 tag: fr, en-GB…")
    sent_at: Moment | None = Field(
        default=None, description="When the customer sent it; without a zone, UTC is meant."
    )
    customer: Identifier | None = Field(default=None, description="The customer's identifier.")
    metadata: dict[str, JsonValue] | None = Field(
        default=None, description="Whatever else the producer wants to keep with it."
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Message":
        if not self.text.strip() and not (self.subject or "").strip():
            raise ValueError("both text and subject are empty: there is nothing to tag")
        return self


def read_message(value: bytes) -> Message:
    """The message in a record's value.

    Raises:
        ValidationError: it is JSON, but no message.
        ValueError: it is no JSON; `Infinity` and `NaN`, which some writers use, are none either.
    """
    return Message.model_validate(from_json(value, allow_inf_nan=False))


class LabelProbability(BaseModel):
    """A label that holds, with its calibrated probability."""

    model_config = ConfigDict(frozen=True)

    label: str = Field(description="The label's code in the taxonomy, such as E6 or C3.")
    probability: Probability


class GlobalScore(BaseModel):
    """How the customer feels overall."""

    model_config = ConfigDict(frozen=True)

    label: str = Field(description="The most probable label, S1 very positive … S5 very negative.")
    score: float = Field(
        ge=0.0, allow_inf_nan=False, description="Expectation on the scale 0 (S1) … 4 (S5)."
    )
    probabilities: dict[str, Probability] = Field(description="Every label's probability.")


class ModelVersion(BaseModel):
    """Which model said it."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str


class Source(BaseModel):
    """Where the message stood in the input."""

    model_config = ConfigDict(frozen=True)

    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)


class TaggedText(BaseModel):
    """What the model says of one text; the API's answer, and the heart of a tagged message."""

    model_config = ConfigDict(frozen=True)

    global_score: GlobalScore
    emotions: list[LabelProbability]
    causes: list[LabelProbability]
    confidence: Probability = Field(description="How sure the model is, calibrated.")
    needs_review: bool = Field(description="Whether a person should look at it.")
    model: ModelVersion


class TaggedMessage(TaggedText):
    """A message with its tagging, as written to the output topic.

    `text` and `subject` are masked. The input's other fields, known and unknown, are handed on.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str = Field(min_length=1, max_length=512)
    text: str
    subject: str | None = None
    channel: ShortText | None = None
    language: ShortText | None = None
    sent_at: AwareDatetime | None = None
    customer: str | None = None
    metadata: dict[str, JsonValue] | None = None
    source: Source
    tagged_at: AwareDatetime


class DeadLetterHeaders(BaseModel):
    """Why a message is in the dead-letter topic; each field is a header `__errors.<field>`.

    The dead letter's value, key and other headers are the bytes as they came.
    """

    model_config = ConfigDict(frozen=True)

    stage: str = Field(
        description="Where it failed: decode, validate, mask, tokenize, tag, publish."
    )
    exception: str = Field(description="The error's type.")
    message: str = Field(description="What was wrong; never the customer's words.")
    topic: str
    partition: int
    offset: int
    timestamp: int = Field(description="The record's timestamp, milliseconds since 1970.")
    group: str = Field(description="The consumer group that gave up on it.")
    attempts: int = Field(ge=1)
    model_version: str
    value_left_out: bool = Field(
        default=False,
        description="Whether the topic found the value too large: it is still in the input topic,"
        " at this partition and offset.",
    )


def cloud_event_headers(event: TaggedMessage, incoming: Iterable[Header]) -> list[Header]:
    """CloudEvents 1.0 headers in binary mode, then the incoming ones that they do not replace.

    Source: the CloudEvents Kafka protocol binding, version 1.0.2, section 3.2.
    """
    own: dict[str, str] = {
        "ce_specversion": "1.0",
        "ce_id": event.id,
        "ce_type": TAGGED_EVENT_TYPE,
        "ce_source": f"/{event.source.topic}/{event.source.partition}",
        "ce_time": event.tagged_at.isoformat(),
        "content-type": CONTENT_TYPE,
    }
    passed = [(name, value) for name, value in incoming if name.lower() not in own]
    return [*((name, value.encode()) for name, value in own.items()), *passed]


def dead_letter_headers(errors: DeadLetterHeaders, incoming: Iterable[Header]) -> list[Header]:
    """The incoming headers as they came, then why the message is here.

    An earlier failure's headers are replaced: what counts is why it is here now.
    """
    kept = [(name, value) for name, value in incoming if not name.startswith(ERROR_HEADER_PREFIX)]
    own = [
        (f"{ERROR_HEADER_PREFIX}{name}", str(value).encode())
        for name, value in errors.model_dump().items()
    ]
    return kept + own
