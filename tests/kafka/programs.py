"""Ressenti's programs as real processes, and Kafka's topics as a test reads and fills them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from consumer.kafka import prepare_topics
from consumer.settings import TaggerSettings

STARTUP_SECONDS = 90.0


class Topics:
    """The three topics of one test, with names of their own."""

    def __init__(self, bootstrap_servers: str, partitions: int = 3) -> None:
        name = f"test-{uuid.uuid4().hex[:8]}"
        self.settings = TaggerSettings(
            bootstrap_servers=bootstrap_servers,
            input_topic=name,
            output_topic=f"{name}.tagged",
            dead_letter_topic=f"{name}.dlq",
            tagger_group=f"{name}-group",
            create_topics=True,
            topic_partitions=partitions,
        )
        self.input = self.settings.input_topic
        self.output = self.settings.output_topic
        self.dead_letters = self.settings.dead_letter_topic

    def environment(self) -> dict[str, str]:
        """The settings, for a program."""
        settings = self.settings
        return {
            "RESSENTI_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
            "RESSENTI_INPUT_TOPIC": self.input,
            "RESSENTI_OUTPUT_TOPIC": self.output,
            "RESSENTI_DEAD_LETTER_TOPIC": self.dead_letters,
            "RESSENTI_TAGGER_GROUP": settings.tagger_group,
            "RESSENTI_API_PORT": "0",
        }

    async def create(self) -> None:
        await prepare_topics(self.settings, (self.input, self.output, self.dead_letters))

    async def limit(self, topic: str, **settings: object) -> None:
        """Sets what a topic takes; an underscore in a name stands for a dot."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.bootstrap_servers)
        await admin.start()
        try:
            configs = {name.replace("_", "."): str(value) for name, value in settings.items()}
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])
        finally:
            await admin.close()
        # The broker's log takes it up a moment after the answer, and tells nobody.
        await asyncio.sleep(1.0)

    async def send(
        self,
        values: Sequence[bytes | None],
        keys: Sequence[bytes | None] | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
    ) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap_servers, max_request_size=4 * 2**20
        )
        await producer.start()
        try:
            sent = [
                await producer.send(
                    self.input,
                    value,
                    key=keys[place] if keys else None,
                    headers=list(headers),
                    partition=partition,
                )
                for place, value in enumerate(values)
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def send_nothing(self) -> None:
        """Puts a record without key and value on the input topic."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap_servers)
        await producer.start()
        try:
            batch = producer.create_batch()
            batch.append(key=None, value=None, timestamp=None)
            await (await producer.send_batch(batch, self.input, partition=0))
        finally:
            await producer.stop()

    async def spoil_output(self) -> None:
        """Puts something that is no tagged message on the output topic."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap_servers)
        await producer.start()
        try:
            await producer.send_and_wait(self.output, b"no tagged message")
        finally:
            await producer.stop()

    async def read(
        self, topic: str, count: int, seconds: float = 90.0
    ) -> list[ConsumerRecord[bytes, bytes]]:
        """Reads a topic from its beginning until it has `count` records, or time is up."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            partitions = sorted(consumer.partitions_for_topic(topic) or await self._found(topic))
            consumer.assign([TopicPartition(topic, number) for number in partitions])
            records: list[ConsumerRecord[bytes, bytes]] = []
            deadline = time.monotonic() + seconds
            while len(records) < count and time.monotonic() < deadline:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records += batch
            return records
        finally:
            await consumer.stop()

    async def committed(self) -> dict[int, int]:
        """The group's committed offset of each partition that has one."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers,
            group_id=self.settings.tagger_group,
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            found = {
                number: await consumer.committed(TopicPartition(self.input, number))
                for number in range(self.settings.topic_partitions)
            }
            return {number: offset for number, offset in found.items() if offset is not None}
        finally:
            await consumer.stop()

    async def _found(self, topic: str) -> set[int]:
        partitions = await prepare_topics(self.settings, [topic])
        return set(range(partitions[topic]))


class Program:
    """One of Ressenti's programs, running."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        """The address of its API, as its log tells."""
        line = next(line for line in self.log.splitlines() if "metrics at http" in line)
        return line.rsplit(" ", 1)[1]

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200:
                    return
            except (StopIteration, httpx.TransportError):
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready in time:\n{self.log}")

    def kill(self) -> None:
        """As a power cut does."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds: float = 40.0) -> int:
        """As Kubernetes does; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)


@contextmanager
def program(
    command: str, environment: Mapping[str, str], folder: Path, *arguments: str
) -> Iterator[Program]:
    """Runs `ressenti COMMAND`; ends it, if it still runs, when the block ends."""
    log = folder / f"{command}-{uuid.uuid4().hex[:6]}.log"
    inherited = {name: value for name, value in os.environ.items() if "RESSENTI" not in name}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "ressenti", command, *arguments],
            env=inherited | dict(environment),
            stdout=sink,
            stderr=sink,
            cwd=folder,
        )
    try:
        yield Program(process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
