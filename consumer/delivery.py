"""At-least-once delivery of one input partition: every result acknowledged, then the offset.

A producer belongs to one input partition. Nothing here skips a record: what cannot be written is
tried again until it is, or stops the process with a reason.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from consumer.contracts import Header
from modeling.errors import OperatorError

log = logging.getLogger(__name__)

# The broker is the judge of what is too large, after compression; this only bounds a request.
MAX_REQUEST_BYTES = 64 * 2**20
_FIRST_RETRY_SECONDS = 0.2
_LONGEST_RETRY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to write."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]
    partition: int | None = None
    # What to write instead if the broker finds this too large; None if nothing can stand in.
    instead: Callable[[], "Outgoing"] | None = None
    acknowledged: Callable[[], None] = field(default=lambda: None)


class PartitionDelivery:
    """Writes the outcomes of one input partition, in order."""

    def __init__(self, client_options: dict[str, Any]) -> None:
        self._options = client_options
        self._producer: AIOKafkaProducer | None = None

    async def deliver(self, records: Sequence[Outgoing]) -> None:
        """Returns once every record is acknowledged by all in-sync replicas.

        Raises:
            OperatorError: a record is too large for its topic and nothing can stand in for it.
        """
        waiting = list(records)
        pause = _FIRST_RETRY_SECONDS
        while waiting:
            try:
                waiting = await self._attempt(waiting)
            except KafkaError as error:
                log.warning("Kafka did not take records (%s); trying again", type(error).__name__)
            if waiting:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_RETRY_SECONDS)

    async def close(self) -> None:
        """Closes the producer, if it was ever needed."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def _attempt(self, records: Sequence[Outgoing]) -> list[Outgoing]:
        """Writes records side by side; returns, in order, those to write again.

        Once one fails, those behind it may be written before it: at-least-once keeps the order
        of what a partition publishes only while the broker takes everything.
        """
        producer = await self._started_producer()
        handed_over = [await _hand_over(producer, record) for record in records]
        results = await asyncio.gather(*handed_over, return_exceptions=True)
        again = []
        for record, result in zip(records, results, strict=True):
            if isinstance(result, MessageSizeTooLargeError):
                again.append(_smaller(record))
            elif isinstance(result, KafkaError):
                log.warning("%s refused a record: %s", record.topic, type(result).__name__)
                again.append(record)
            elif isinstance(result, BaseException):
                raise result
            else:
                record.acknowledged()
        return again

    async def _started_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._options,
                acks="all",
                compression_type="lz4",
                linger_ms=5,
                max_request_size=MAX_REQUEST_BYTES,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer


async def _hand_over(producer: AIOKafkaProducer, record: Outgoing) -> Awaitable[Any]:
    """Gives a record to the producer, in turn; what is returned waits for the broker's word."""
    try:
        acknowledgement: Awaitable[Any] = await producer.send(
            record.topic,
            value=record.value,
            key=record.key,
            partition=record.partition,
            headers=list(record.headers),
        )
    except KafkaError as error:
        acknowledgement = asyncio.get_running_loop().create_future()
        acknowledgement.set_exception(error)
    return acknowledgement


def _smaller(record: Outgoing) -> Outgoing:
    if record.instead is None:
        raise OperatorError(
            f"the topic {record.topic} refuses a dead letter as too large, and it must not be lost:"
            " raise the topic's max.message.bytes and start again"
        )
    return record.instead()
