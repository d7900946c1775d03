"""From an input record to the record that is published for it: a tagged message or a dead letter.

It knows Kafka's records and the contracts, and nothing of loops, threads or acknowledgements.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from consumer.contracts import (
    Message,
    Source,
    TaggedMessage,
    cloud_event_headers,
    read_message,
)
from consumer.deadletter import (
    Failure,
    InputRecord,
    dead_letter_record_headers,
    invalid_message,
    unexpected,
)
from consumer.delivery import Outgoing
from consumer.enrichment import tagged_message
from consumer.metrics import TaggerMetrics
from consumer.pipeline import TextTagged
from consumer.settings import TaggerSettings

_NO_VALUE = Failure("decode", "no_value", "ValueError", "the record has no value")
_TOO_LARGE = Failure(
    "publish",
    "too_large",
    "MessageSizeTooLargeError",
    "the tagged message is larger than its topic allows",
)


class RecordBuilder:
    """Makes the records that a tagger publishes.

    Args:
        settings: topics, group, and whether raw text is kept.
        partitions: how many partitions each of the three topics has.
        model_version: what dead letters say of the model.
        metrics: what is counted once a record is acknowledged.
    """

    def __init__(
        self,
        settings: TaggerSettings,
        partitions: Mapping[str, int],
        model_version: str,
        metrics: TaggerMetrics,
    ) -> None:
        self._settings = settings
        self._partitions = partitions
        self._model_version = model_version
        self._metrics = metrics

    def decode(self, record: InputRecord) -> Message | Failure:
        """The message in a record, or why there is none."""
        if record.value is None:
            return _NO_VALUE
        try:
            return read_message(record.value)
        except ValueError as error:
            return invalid_message(error)
        except Exception as error:  # one message must not end the process
            return unexpected("decode", error)

    def outcome(
        self, record: InputRecord, message: Message, outcome: TextTagged | Failure
    ) -> Outgoing:
        """The record to publish for a message that went through the pipeline."""
        if isinstance(outcome, Failure):
            return self.dead_letter(record, outcome)
        try:
            return self.tagged(record, message, outcome)
        except Exception as error:  # one message must not end the process
            return self.dead_letter(record, unexpected("publish", error))

    def tagged(self, record: InputRecord, message: Message, outcome: TextTagged) -> Outgoing:
        """The tagged message; a dead letter stands in for it if its topic finds it too large."""
        masked = (outcome.masked_text, outcome.masked_subject)
        event = tagged_message(
            message,
            (message.text, message.subject) if self._settings.keep_raw_text else masked,
            outcome.tagged,
            Source(topic=record.topic, partition=record.partition, offset=record.offset),
            datetime.now(UTC),
        )
        topic = self._settings.output_topic
        return Outgoing(
            topic=topic,
            key=record.key,
            value=event.model_dump_json().encode(),
            headers=cloud_event_headers(event, record.headers),
            partition=self._partition(topic, record),
            instead=lambda: self.dead_letter(record, _TOO_LARGE),
            acknowledged=lambda: self._count_tagged(record, event),
        )

    def dead_letter(
        self, record: InputRecord, failure: Failure, value_left_out: bool = False
    ) -> Outgoing:
        """The bytes as they came, with why they are here.

        If even the dead-letter topic finds them too large, the headers go without the value and
        tell where it still is.
        """
        topic = self._settings.dead_letter_topic
        return Outgoing(
            topic=topic,
            key=record.key,
            value=None if value_left_out else record.value,
            headers=dead_letter_record_headers(
                record, failure, self._settings.tagger_group, self._model_version, value_left_out
            ),
            partition=self._partition(topic, record),
            instead=None
            if value_left_out
            else lambda: self.dead_letter(record, failure, value_left_out=True),
            acknowledged=lambda: self._count_dead_letter(failure),
        )

    def _partition(self, topic: str, record: InputRecord) -> int | None:
        """The same number where the counts match; else the key decides."""
        count = self._partitions[topic]
        same = count == self._partitions[record.topic] and record.partition < count
        return record.partition if same else None

    def _count_tagged(self, record: InputRecord, event: TaggedMessage) -> None:
        metrics = self._metrics
        metrics.records_published.labels(self._settings.output_topic).inc()
        metrics.record_age.observe(max(0.0, time.time() - record.timestamp / 1000))
        metrics.needs_review.inc(event.needs_review)
        metrics.labels.labels("global_score", event.global_score.label).inc()
        for emotion in event.emotions:
            metrics.labels.labels("emotions", emotion.label).inc()
        for cause in event.causes:
            metrics.labels.labels("causes", cause.label).inc()

    def _count_dead_letter(self, failure: Failure) -> None:
        self._metrics.records_published.labels(self._settings.dead_letter_topic).inc()
        self._metrics.dead_letters.labels(failure.stage, failure.reason).inc()
