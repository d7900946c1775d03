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
from consumer.fetching import Fetching
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
# What is in hand of large messages is bounded by their size, long before their number.
MAX_IN_FLIGHT_BYTES = 64 * 2**20
_RECORDS_PER_FETCH = 512
_RECORDS_PER_CHUNK = 32
_TURN_SECONDS = 0.2
_OBSERVE_SECONDS = 1.0
_ASK_EVERY_SECONDS = 5.0
_ANSWER_SECONDS = 3.0
# Brokers other than Apache Kafka may let a fetch wait for half of it even when data is there.
_FETCH_WAIT_SECONDS = 0.1


class _Assignment:
    """One partition, from the moment it is assigned until it is revoked."""

    def __init__(self, partition: TopicPartition, options: dict[str, Any]) -> None:
        self.partition = partition
        self.ledger: PartitionLedger[Outgoing] = PartitionLedger()
        self.delivery = PartitionDelivery(options)
        self.current = True
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

    def is_current(self) -> bool:
        """Whether the partition is still ours; asked from the pipeline's threads."""
        return self.current

    def admit(self, record: InputRecord) -> None:
        self.ledger.admit(record.offset, len(record.value or b""))
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
        self._fetching = Fetching(self._consumer)

    async def run(self, stop: asyncio.Event) -> None:
        """Reads until `stop` is set, then finishes what is in hand and leaves the group.

        Raises:
            OperatorError: a record can neither be published nor dead-lettered, or Kafka refuses
                us for good.
        """
        self._consumer.subscribe([self._settings.input_topic], listener=self)
        observing = asyncio.create_task(self._observe())
        asking = asyncio.create_task(self._ask_kafka())
        reading = asyncio.create_task(self._read(stop))
        try:
            waiting: set[asyncio.Future[None]] = {reading, observing, asking, self._failed}
            ended, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for future in ended:
                future.result()
            await self._drain(self._assignments.values(), self._settings.drain_timeout_seconds)
            if self._failed.done():
                self._failed.result()
        except (KafkaError, UnicodeDecodeError) as error:
            raise OperatorError(
                f"the topic {self._settings.input_topic} cannot be read"
                f" ({type(error).__name__}: {error}); see Kafka's log and this program's rights,"
                " and whether the headers' names are UTF-8"
            ) from error
        finally:
            for task in (reading, observing, asking):
                task.cancel()
            await asyncio.gather(reading, observing, asking, return_exceptions=True)
            # Leaving the group does not call the listener.
            await self._end(list(self._assignments))
            await self.close()

    async def close(self) -> None:
        """Leaves the group."""
        await self._consumer.stop()

    def fail(self, error: BaseException) -> None:
        """Ends `run` with an error."""
        if not self._failed.done():
            self._failed.set_exception(error)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finishes what is in hand of the partitions, within a deadline, and lets them go."""
        self._fetching.generation += 1
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
    def in_flight(self) -> int:
        """Messages read and not yet committed."""
        return sum(assignment.in_flight for assignment in self._assignments.values())

    @property
    def room_left(self) -> int:
        """How many more messages may be taken in hand."""
        held = sum(assignment.ledger.held_bytes for assignment in self._assignments.values())
        return 0 if held >= MAX_IN_FLIGHT_BYTES else self._settings.max_in_flight - self.in_flight

    async def _read(self, stop: asyncio.Event) -> None:
        stopped = asyncio.create_task(stop.wait())
        try:
            if not await self._fetching.start(stopped):
                return
            while not stop.is_set():
                room = self.room_left
                if room <= 0:
                    await self._wait_for_room()
                    continue
                fetched = await self._fetching.next(
                    stopped, min(room, _RECORDS_PER_FETCH), _TURN_SECONDS
                )
                for partition, records in fetched.items():
                    self.take_in_hand(partition, records)
        finally:
            stopped.cancel()
            await self._fetching.close()

    def take_in_hand(self, partition: TopicPartition, records: Sequence[InputRecord]) -> None:
        """Hands records of a partition that is ours to the pipeline."""
        assignment = self._assignments[partition]
        self._metrics.records_consumed.labels(partition.topic).inc(len(records))
        for record in records:
            assignment.admit(record)
        for start in range(0, len(records), _RECORDS_PER_CHUNK):
            chunk = records[start : start + _RECORDS_PER_CHUNK]
            self._pipeline.submit(partial(self._decode, assignment, chunk))

    async def _wait_for_room(self) -> None:
        self._room.clear()
        await self._fetching.stay_in_group(_TURN_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._room.wait(), _TURN_SECONDS)

    def _decode(self, assignment: _Assignment, records: Sequence[InputRecord]) -> list[TextToTag]:
        """Runs in a preparing thread: the chunk's messages; the malformed are settled at once."""
        items: list[TextToTag] = []
        if not assignment.current:
            return items
        for record in records:
            message = self._records.decode(record)
            if isinstance(message, Failure):
                self._settle(assignment, record, self._records.dead_letter(record, message))
                continue

            def done(outcome: Any, record: InputRecord = record, message: Any = message) -> None:
                outgoing = self._records.outcome(record, message, outcome)
                self._settle(assignment, record, outgoing)

            items.append(
                TextToTag(message.text, message.subject, done, wanted=assignment.is_current)
            )
        return items

    def _settle(self, assignment: _Assignment, record: InputRecord, outgoing: Outgoing) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits for this any more
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
            self._health.last_progress = time.monotonic()

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
        ending = [self._assignments.pop(one) for one in partitions if one in self._assignments]
        for assignment in ending:
            assignment.current = False
            if left := assignment.in_flight:
                log.warning(
                    "partition %d: %d messages abandoned; they will be read again",
                    assignment.partition.partition, left,
                )  # fmt: skip
            if assignment.publisher is not None:
                assignment.publisher.cancel()
            with suppress(KeyError):  # it may have come and gone between two looks
                labels = (assignment.partition.topic, str(assignment.partition.partition))
                self._metrics.lag.remove(*labels)
        publishers = [one.publisher for one in ending if one.publisher is not None]
        await asyncio.gather(*publishers, return_exceptions=True)
        await asyncio.gather(*(one.delivery.close() for one in ending))
        for assignment in ending:
            assignment.idle.set()

    async def _observe(self) -> None:
        """Keeps the gauges and the health true, once a second."""
        while True:
            now = time.monotonic()
            self._health.last_turn = now
            in_flight = self.in_flight
            struggling = any(one.delivery.struggling for one in self._assignments.values())
            # While Kafka takes nothing, standing still is all that can be done.
            if not in_flight or struggling or not self._health.broker_answers:
                self._health.last_progress = now
            self._metrics.in_flight.set(in_flight)
            self._metrics.assigned_partitions.set(len(self._assignments))
            for partition, assignment in list(self._assignments.items()):
                with suppress(IllegalStateError, KafkaError, TimeoutError):  # lost while we look
                    async with asyncio.timeout(_OBSERVE_SECONDS):
                        await self._measure_lag(partition, assignment)
            await asyncio.sleep(_OBSERVE_SECONDS)

    async def _ask_kafka(self) -> None:
        """Sees whether Kafka answers, and says so when that changes."""
        while True:
            await asyncio.sleep(_ASK_EVERY_SECONDS)
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await self._consumer.topics()
            except (KafkaError, TimeoutError, OSError):
                answers = False
            else:
                answers = True
            if answers != self._health.broker_answers:
                self._health.broker_answers = answers
                if answers:
                    log.info("Kafka answers again")
                else:
                    log.warning("Kafka does not answer; waiting for it, nothing is lost")

    async def _measure_lag(self, partition: TopicPartition, assignment: _Assignment) -> None:
        if assignment.committed is None:
            assignment.committed = await self._consumer.position(partition)
        end = self._consumer.last_stable_offset(partition)
        if end is not None and partition in self._assignments:
            lag = self._metrics.lag.labels(partition.topic, str(partition.partition))
            lag.set(max(0, end - assignment.committed))


async def _all_idle(assignments: Sequence[_Assignment]) -> None:
    for assignment in assignments:
        await assignment.idle.wait()
