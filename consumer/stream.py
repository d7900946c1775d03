"""The Kafka loop: read, hand to the pipeline, publish in order, commit.

It runs on an event loop of its own, so that heartbeats never wait for a tokenizer or a device.
Messages are read outside of any lock that a rebalance waits for; a partition's state belongs to
one assignment, and what comes back for an assignment that has ended is dropped: the partition's
next owner reads it again.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from consumer.deadletter import Failure, InputRecord
from consumer.delivery import Outgoing, PartitionDelivery
from consumer.health import Health
from consumer.kafka import client_options
from consumer.ledger import PartitionLedger
from consumer.metrics import TaggerMetrics
from consumer.pipeline import TextPipeline, TextToTag
from consumer.records import RecordBuilder
from consumer.settings import TaggerSettings
from modeling.errors import OperatorError

log = logging.getLogger(__name__)

SESSION_TIMEOUT_SECONDS = 10.0
# Well under the session's, so that the group never waits for us and throws us out.
REVOCATION_SECONDS = 5.0
_RECORDS_PER_FETCH = 512
_RECORDS_PER_CHUNK = 32
_TURN_SECONDS = 0.2
# Brokers other than Apache Kafka may let a fetch wait for half of it even when data is there.
_FETCH_WAIT_SECONDS = 0.1


class _Assignment:
    """One partition, from the moment it is assigned until it is revoked."""

    def __init__(self, partition: TopicPartition, options: dict[str, Any]) -> None:
        self.partition = partition
        self.ledger: PartitionLedger[Outgoing] = PartitionLedger()
        self.delivery = PartitionDelivery(options)
        self.publishing = 0
        self.settled = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()
        self.publisher: asyncio.Task[None] | None = None
        self.committed: int | None = None

    @property
    def in_flight(self) -> int:
        """Messages read and not yet committed."""
        return len(self.ledger) + self.publishing

    def admit(self, offset: int) -> None:
        self.ledger.admit(offset)
        self.idle.clear()

    def settle(self, offset: int, outgoing: Outgoing) -> None:
        self.ledger.settle(offset, outgoing)
        self.settled.set()


class Stream(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads one topic for one group and publishes what the pipeline makes of it.

    Made and used on the Kafka loop.
    """

    def __init__(
        self,
        settings: TaggerSettings,
        pipeline: TextPipeline,
        records: RecordBuilder,
        metrics: TaggerMetrics,
        health: Health,
    ) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._records = records
        self._metrics = metrics
        self._health = health
        self._options = client_options(settings)
        self._assignments: dict[TopicPartition, _Assignment] = {}
        self._room = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._failed: asyncio.Future[None] = self._loop.create_future()
        self._consumer = AIOKafkaConsumer(
            **self._options,
            group_id=settings.tagger_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=int(_FETCH_WAIT_SECONDS * 1000),
            session_timeout_ms=int(SESSION_TIMEOUT_SECONDS * 1000),
            heartbeat_interval_ms=int(SESSION_TIMEOUT_SECONDS * 1000 / 4),
            rebalance_timeout_ms=int(SESSION_TIMEOUT_SECONDS * 1000),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Reads until `stop` is set, then finishes what is in hand and leaves the group.

        Raises:
            OperatorError: a record can neither be published nor dead-lettered, or Kafka refuses
                us for good.
        """
        self._consumer.subscribe([self._settings.input_topic], listener=self)
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._consumer.start()
            tasks = [asyncio.create_task(self._read(stop)), asyncio.create_task(self._observe())]
            ended: set[asyncio.Future[None]]
            ended, _ = await asyncio.wait(
                {*tasks, self._failed}, return_when=asyncio.FIRST_COMPLETED
            )
            for future in ended:
                future.result()
            await self._drain(self._assignments.values(), self._settings.drain_timeout_seconds)
            if self._failed.done():
                self._failed.result()
        except KafkaError as error:
            raise OperatorError(
                f"Kafka ended the reading of {self._settings.input_topic}"
                f" ({type(error).__name__}: {error})"
            ) from error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # Leaving the group does not call the listener.
            await self._end(list(self._assignments))
            await self._consumer.stop()

    def fail(self, error: BaseException) -> None:
        """Ends `run` with an error."""
        if not self._failed.done():
            self._failed.set_exception(error)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finishes what is in hand of the partitions, within a deadline, and lets them go."""
        going = [self._assignments[one] for one in revoked if one in self._assignments]
        await self._drain(going, REVOCATION_SECONDS)
        await self._end(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Starts a fresh state for each partition."""
        for partition in assigned:
            assignment = _Assignment(partition, self._options)
            assignment.publisher = asyncio.create_task(self._publish(assignment))
            assignment.publisher.add_done_callback(self._note_end)
            self._assignments[partition] = assignment
        self._metrics.rebalances.inc()
        self._metrics.assigned_partitions.set(len(self._assignments))
        self._health.assigned_partitions = len(self._assignments)
        log.info("reading partitions %s", sorted(one.partition for one in self._assignments))

    @property
    def _in_flight(self) -> int:
        return sum(assignment.in_flight for assignment in self._assignments.values())

    async def _read(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._health.last_turn = time.monotonic()
            room = self._settings.max_in_flight - self._in_flight
            if room <= 0:
                await self._wait_for_room()
                continue
            fetched = await self._consumer.getmany(
                timeout_ms=int(_TURN_SECONDS * 1000), max_records=min(room, _RECORDS_PER_FETCH)
            )
            for partition, records in fetched.items():
                assignment = self._assignments.get(partition)
                if assignment is None:  # lost since it was fetched; its next owner reads it
                    continue
                self._metrics.records_consumed.labels(partition.topic).inc(len(records))
                for record in records:
                    assignment.admit(record.offset)
                for start in range(0, len(records), _RECORDS_PER_CHUNK):
                    chunk = records[start : start + _RECORDS_PER_CHUNK]
                    self._pipeline.submit(partial(self._decode, assignment, chunk))

    async def _wait_for_room(self) -> None:
        """Waits for a commit; fetching, paused, goes on, or the group would think us gone."""
        self._room.clear()
        paused = self._consumer.assignment()
        self._consumer.pause(*paused)
        try:
            await self._consumer.getmany(timeout_ms=0)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), _TURN_SECONDS)
        finally:
            self._consumer.resume(*(paused & self._consumer.assignment()))

    def _decode(self, assignment: _Assignment, records: Sequence[InputRecord]) -> list[TextToTag]:
        """Runs in a preparing thread: the chunk's messages; the malformed are settled at once."""
        items = []
        for record in records:
            message = self._records.decode(record)
            if isinstance(message, Failure):
                self._settle(assignment, record, self._records.dead_letter(record, message))
                continue

            def done(outcome: Any, record: InputRecord = record, message: Any = message) -> None:
                outgoing = self._records.outcome(record, message, outcome)
                self._settle(assignment, record, outgoing)

            items.append(TextToTag(message.text, message.subject, done))
        return items

    def _settle(self, assignment: _Assignment, record: InputRecord, outgoing: Outgoing) -> None:
        self._loop.call_soon_threadsafe(assignment.settle, record.offset, outgoing)

    async def _publish(self, assignment: _Assignment) -> None:
        """Publishes and commits what is settled of one partition, until cancelled."""
        while True:
            await assignment.settled.wait()
            assignment.settled.clear()
            settled = assignment.ledger.take_settled()
            if not settled:
                continue
            assignment.publishing = len(settled)
            with self._metrics.stage_duration.labels("publish").time():
                await assignment.delivery.deliver([outgoing for _, outgoing in settled])
            with self._metrics.stage_duration.labels("commit").time():
                await self._commit(assignment, settled[-1][0] + 1)
            assignment.publishing = 0
            self._room.set()
            if not assignment.in_flight:
                assignment.idle.set()

    async def _commit(self, assignment: _Assignment, offset: int) -> None:
        try:
            await self._consumer.commit({assignment.partition: OffsetAndMetadata(offset, "")})
        except (IllegalStateError, KafkaError) as error:
            # The next commit covers it; without one, the messages are tagged again, under the
            # same ids.
            log.warning("offset %d is not committed (%s)", offset, type(error).__name__)
        else:
            assignment.committed = offset

    def _note_end(self, publisher: asyncio.Task[None]) -> None:
        if not publisher.cancelled() and (error := publisher.exception()) is not None:
            self.fail(error)

    async def _drain(self, assignments: Collection[_Assignment], seconds: float) -> None:
        """Waits until nothing is in hand of the assignments, but not longer than `seconds`."""
        idle = asyncio.create_task(_all_idle(list(assignments)))
        waiting: set[asyncio.Future[None]] = {idle, self._failed}
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()

    async def _end(self, partitions: Collection[TopicPartition]) -> None:
        """Forgets the partitions; what is still in hand of them is read again by the next owner."""
        for partition in partitions:
            assignment = self._assignments.pop(partition, None)
            if assignment is None:
                continue
            if left := assignment.in_flight:
                log.warning("partition %d: %d messages abandoned", partition.partition, left)
            if assignment.publisher is not None:
                assignment.publisher.cancel()
                await asyncio.gather(assignment.publisher, return_exceptions=True)
            await assignment.delivery.close()
            with suppress(KeyError):  # it may have come and gone between two looks
                self._metrics.lag.remove(partition.topic, str(partition.partition))

    async def _observe(self) -> None:
        """Keeps the gauges true, once a second."""
        while True:
            self._metrics.in_flight.set(self._in_flight)
            self._metrics.assigned_partitions.set(len(self._assignments))
            for partition, assignment in list(self._assignments.items()):
                with suppress(IllegalStateError, KafkaError):  # lost while we look
                    await self._measure_lag(partition, assignment)
            await asyncio.sleep(1.0)

    async def _measure_lag(self, partition: TopicPartition, assignment: _Assignment) -> None:
        if assignment.committed is None:
            assignment.committed = await self._consumer.position(partition)
        end = self._consumer.highwater(partition)
        if end is not None and partition in self._assignments:
            lag = self._metrics.lag.labels(partition.topic, str(partition.partition))
            lag.set(max(0, end - assignment.committed))


async def _all_idle(assignments: Sequence[_Assignment]) -> None:
    for assignment in assignments:
        await assignment.idle.wait()
