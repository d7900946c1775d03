"""The archive: tagged messages from Kafka into PostgreSQL, in batches, none lost, none doubled.

Offsets are committed after the database's commit, so a crash in between leads to messages written
twice; the store keeps one of each. No batch is ever skipped: while the database is down, the
program waits and stays in its consumer group.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from prometheus_client import CollectorRegistry

from consumer.archive_metrics import ArchiveHealth, ArchiveMetrics, create_archive_api
from consumer.archive_records import Readable, read, refused, seconds_to_wait, write_isolating
from consumer.fetching import Fetching
from consumer.http_server import HttpServer, bind
from consumer.kafka import client_options, prepare_topics
from consumer.settings import ArchiveSettings
from consumer.store.connection import Pool, advice_on, open_database
from consumer.store.writes import (
    UnreadableEvent,
    is_a_message_at_fault,
    write_messages,
    write_unreadable_events,
)
from consumer.supervision import Crash
from modeling.errors import OperatorError

log = logging.getLogger(__name__)

_TURN_SECONDS = 1.0
_WRITE_TIMEOUT_SECONDS = 60.0
_COMMIT_TIMEOUT_SECONDS = 10.0


async def run_archive(
    settings: ArchiveSettings,
    stop: asyncio.Event,
    started: Callable[[str], None] = log.info,
    registry: CollectorRegistry | None = None,
) -> None:
    """Archives tagged messages until `stop` is set.

    Args:
        settings: what to read, where to write.
        stop: ends the reading; the batch in hand is finished first.
        started: told, in a line for people, where the metrics are and when reading begins.
        registry: takes the metrics; one of its own if none is given.

    Raises:
        OperatorError: something that the operator can put right.
    """
    listening = bind(settings.archive_metrics_host, settings.archive_metrics_port, _PORT_SETTING)
    health = ArchiveHealth()
    metrics = ArchiveMetrics(registry or CollectorRegistry(), settings.archive_batch_messages)
    crash = Crash()
    server = HttpServer(create_archive_api(health, metrics), listening, crash.report)
    try:
        started(f"archive's metrics at {server.url}/metrics")
        await prepare_topics(settings, [settings.output_topic])
        async with open_database(settings, settings.startup_timeout_seconds) as pool:
            archive = Archive(settings, pool, metrics, health)
            started(f"archiving {settings.output_topic}")
            reading = asyncio.create_task(archive.run(stop))
            await asyncio.wait({reading, crash.future}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading
                crash.future.result()
            reading.result()
    finally:
        health.stopping = True
        await asyncio.to_thread(server.stop)


_PORT_SETTING = "archive_metrics_port"


@dataclass(frozen=True)
class _Batch:
    """Records that were read together, and the group's generation that they belong to."""

    generation: int
    records: dict[TopicPartition, list[Any]]

    @property
    def offsets(self) -> dict[TopicPartition, int]:
        return {partition: records[-1].offset + 1 for partition, records in self.records.items()}


class _AbandonedError(Exception):
    """The batch in hand is not ours to finish any more; whoever reads it next will."""


class Archive(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads the tagged topic for one group and writes what it reads."""

    def __init__(
        self,
        settings: ArchiveSettings,
        pool: Pool,
        metrics: ArchiveMetrics,
        health: ArchiveHealth,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._metrics = metrics
        self._health = health
        self._uncommitted: dict[TopicPartition, int] = {}
        self._observed_at = 0.0
        self._consumer = AIOKafkaConsumer(
            **client_options(settings),
            group_id=settings.archive_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        self._fetching = Fetching(self._consumer)

    async def run(self, stop: asyncio.Event) -> None:
        """Reads until `stop` is set, then finishes the batch in hand and leaves the group.

        Raises:
            OperatorError: Kafka refuses us for good.
        """
        self._consumer.subscribe([self._settings.output_topic], listener=self)
        self._health.database_answers = True
        stopped = asyncio.create_task(stop.wait())
        try:
            if not await self._fetching.start(stopped):
                return
            while not stop.is_set():
                self._health.turned()
                records = await self._fetching.next(
                    stopped, self._settings.archive_batch_messages, _TURN_SECONDS
                )
                if records:
                    with suppress(_AbandonedError):
                        await self._archive(_Batch(self._fetching.generation, records), stop)
                elif self._uncommitted:
                    await self._commit()
                await self._observe()
        except KafkaError as error:
            raise OperatorError(
                f"Kafka ended the reading of {self._settings.output_topic}"
                f" ({type(error).__name__}: {error})"
            ) from error
        finally:
            self._health.stopping = True
            stopped.cancel()
            await self._fetching.close()
            await self._consumer.stop()

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """What was read so far belongs to an assignment that has ended."""
        self._fetching.generation += 1
        self._uncommitted = {}
        self._health.in_group = False
        for partition in revoked:
            with suppress(KeyError):
                self._metrics.lag.remove(partition.topic, str(partition.partition))

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """The group has us as a member."""
        self._health.in_group = True
        log.info("partitions: %s", sorted(each.partition for each in assigned))

    async def _archive(self, batch: _Batch, stop: asyncio.Event) -> None:
        began = time.monotonic()
        events = [read(record) for records in batch.records.values() for record in records]
        readable = [event for event in events if isinstance(event, Readable)]
        unreadable = [event for event in events if isinstance(event, UnreadableEvent)]

        async def write(part: Sequence[Readable]) -> None:
            await self._patiently(
                batch, stop, lambda pool: _write_messages(pool, [each.message for each in part])
            )

        failed = await write_isolating(write, readable, is_a_message_at_fault)
        unreadable += [refused(event, error) for event, error in failed]
        if unreadable:
            await self._patiently(batch, stop, lambda pool: _write_unreadable(pool, unreadable))
            for kept in unreadable:
                self._metrics.unreadable_events.labels(kept.reason).inc()
                log.warning(
                    "kept an event unread: %s-%d at %d: %s (%s)",
                    kept.topic, kept.partition, kept.offset, kept.reason, kept.detail,
                )  # fmt: skip
        self._metrics.write_duration.observe(time.monotonic() - began)
        self._metrics.batch_messages.observe(len(events))
        self._metrics.messages.inc(len(readable) - len(failed))
        now = datetime.now(UTC)
        for event in readable:
            self._metrics.message_age.observe((now - event.message.tagged_at).total_seconds())
        if batch.generation == self._fetching.generation:
            self._uncommitted |= batch.offsets
            await self._commit()

    async def _patiently(
        self, batch: _Batch, stop: asyncio.Event, write: Callable[[Pool], Any]
    ) -> None:
        failures = 0
        while True:
            self._health.turned()
            try:
                async with asyncio.timeout(_WRITE_TIMEOUT_SECONDS):
                    await write(self._pool)
            except (psycopg.Error, TimeoutError, OSError) as error:
                if is_a_message_at_fault(error):
                    raise
                failures += 1
                self._health.database_failed()
                wait = seconds_to_wait(failures)
                advice = advice_on(error) if isinstance(error, psycopg.Error) else None
                log.warning(
                    "cannot write to the database (%s: %s); trying again in %.1f s",
                    type(error).__name__, advice or "see its log", wait,
                )  # fmt: skip
                await self._rest(batch, stop, wait)
            else:
                self._health.database_answers = True
                return

    async def _rest(self, batch: _Batch, stop: asyncio.Event, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if stop.is_set() or batch.generation != self._fetching.generation:
                raise _AbandonedError
            self._health.turned()
            await self._fetching.stay_in_group(_TURN_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(left, _TURN_SECONDS))

    async def _commit(self) -> None:
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT_SECONDS):
                await self._consumer.commit(self._uncommitted)
        except (CommitFailedError, IllegalStateError):
            log.info("the group rebalanced before the commit; the batch will be read again")
            self._uncommitted = {}
        except TimeoutError:
            log.warning("Kafka does not take the commit; it will be asked again")
        else:
            self._uncommitted = {}
            self._health.last_commit = time.monotonic()

    async def _observe(self) -> None:
        if time.monotonic() - self._observed_at < _TURN_SECONDS:
            return
        self._observed_at = time.monotonic()
        behind = bool(self._uncommitted)
        for partition in self._consumer.assignment():
            with suppress(TimeoutError, IllegalStateError):
                async with asyncio.timeout(_TURN_SECONDS):
                    position = await self._consumer.position(partition)
                end = self._consumer.last_stable_offset(partition)
                if end is not None:
                    lag = max(0, end - position)
                    self._metrics.lag.labels(partition.topic, str(partition.partition)).set(lag)
                    behind = behind or lag > 0
        self._health.observed(behind, time.monotonic())


async def _write_messages(pool: Pool, messages: Sequence[Any]) -> None:
    async with pool.connection() as connection:
        await write_messages(connection, messages)


async def _write_unreadable(pool: Pool, events: Sequence[UnreadableEvent]) -> None:
    async with pool.connection() as connection:
        await write_unreadable_events(connection, events)
