"""At-least-once delivery of one input partition: every result acknowledged, then the offset.

A producer belongs to one input partition. Nothing here skips a record: what cannot be written is
tried again until it is, or stops the process with a reason.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    ProducerClosed,
)

from consumer.contracts import Header
from modeling.errors import OperatorError

log = logging.getLogger(__name__)

# The broker is the judge of what is too large, after compression; this only bounds a request.
MAX_REQUEST_BYTES = 64 * 2**20
_FIRST_RETRY_SECONDS = 0.2
_LONGEST_RETRY_SECONDS = 10.0
# A producer that is closed while its broker is away would flush for as long as a request may take.
_CLOSE_SECONDS = 2.0
# aiokafka marks as retriable what the producer itself retries; these say that it gave up waiting.
_PASSING = (KafkaConnectionError, KafkaTimeoutError, ProducerClosed)


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
    """Writes the outcomes of one input partition, in order.

    Attributes:
        struggling: whether Kafka did not take something, and it is being tried again.
    """

    def __init__(self, client_options: dict[str, Any]) -> None:
        self.struggling = False
        self._options = client_options
        self._producer: AIOKafkaProducer | None = None

    async def deliver(self, records: Sequence[Outgoing]) -> None:
        """Returns once every record is acknowledged by all in-sync replicas.

        Once Kafka does not take one, those behind it may be written before it.

        Raises:
            OperatorError: Kafka refuses a record for good.
        """
        waiting = list(records)
        pause = _FIRST_RETRY_SECONDS
        while waiting:
            refused = await self._attempt(waiting)
            waiting = [record for record, _ in refused]
            self.struggling = bool(refused)
            if refused:
                errors = Counter(type(error).__name__ for _, error in refused)
                log.warning("Kafka did not take records (%s); trying again", dict(errors))
                # Its sender may have died with the error; a fresh one knows nothing of it.
                await self.close()
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_RETRY_SECONDS)

    async def close(self) -> None:
        """Closes the producer, if it was ever needed, within a deadline."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _close(producer)

    async def _attempt(self, records: Sequence[Outgoing]) -> list[tuple[Outgoing, KafkaError]]:
        """Writes records side by side; returns, in order, those to write again, with why."""
        try:
            producer = await self._started_producer()
        except KafkaError as error:
            return [(record, error) for record in records]
        handed_over = [await _hand_over(producer, record) for record in records]
        results = await asyncio.gather(*handed_over, return_exceptions=True)
        again = []
        for record, result in zip(records, results, strict=True):
            outcome = result
            written = record
            if isinstance(outcome, MessageSizeTooLargeError):
                written, outcome = await _write_alone(producer, record)
            if isinstance(outcome, KafkaError):
                if not (outcome.retriable or isinstance(outcome, _PASSING)):
                    raise _refused_for_good(written, outcome)
                again.append((written, outcome))
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                written.acknowledged()
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
                await _close(producer)
                raise
            self._producer = producer
        return self._producer


async def _close(producer: AIOKafkaProducer) -> None:
    with suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await producer.stop()
            return
    await producer.client.close()


async def _hand_over(producer: AIOKafkaProducer, record: Outgoing) -> Awaitable[Any]:
    """Gives a record to the producer, in turn; what is returned waits for the broker's word."""
    headers = list(record.headers)
    try:
        if record.key is None and record.value is None:
            return await _hand_over_nothing(producer, record.topic, record.partition, headers)
        acknowledgement: Awaitable[Any] = await producer.send(
            record.topic,
            value=record.value,
            key=record.key,
            partition=record.partition,
            headers=headers,
        )
    except KafkaError as error:
        acknowledgement = asyncio.get_running_loop().create_future()
        acknowledgement.set_exception(error)
    return acknowledgement


async def _hand_over_nothing(
    producer: AIOKafkaProducer, topic: str, partition: int | None, headers: list[Header]
) -> Awaitable[Any]:
    """A record without key and value, which only a batch of one's own may hold."""
    batch = producer.create_batch()
    batch.append(key=None, value=None, timestamp=None, headers=headers)
    if partition is None:
        partition = min(await producer.partitions_for(topic))
    acknowledgement: Awaitable[Any] = await producer.send_batch(batch, topic, partition=partition)
    return acknowledgement


async def _write_alone(
    producer: AIOKafkaProducer, record: Outgoing
) -> tuple[Outgoing, BaseException | None]:
    """Writes a record that was refused as too large, or what stands in for it.

    The broker judges whole batches, so that a record is only found too large when it is alone.

    Returns:
        What was written at last, and the error if it was not.
    """
    while True:
        try:
            await (await _hand_over(producer, record))
        except MessageSizeTooLargeError as error:
            if record.instead is None:
                return record, error
            record = record.instead()
        except KafkaError as error:
            return record, error
        else:
            return record, None


def _refused_for_good(record: Outgoing, error: KafkaError) -> OperatorError:
    return OperatorError(
        f"Kafka refuses what should go to the topic {record.topic}"
        f" ({type(error).__name__}: {error}), and it must not be lost: correct the topic's"
        " configuration or this program's rights on it, and start again"
    )
