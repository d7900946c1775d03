"""What the Kafka loop keeps and forgets when partitions come and go."""

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from consumer.deadletter import Failure
from consumer.health import Health
from consumer.pipeline import TextTagged, TextToTag
from consumer.records import RecordBuilder
from consumer.settings import TaggerSettings
from consumer.stream import MAX_IN_FLIGHT_BYTES, Stream
from tests.consumer.parts import InputRecordStandIn, RunningPipeline, running_pipeline

PARTITION = TopicPartition("support.messages", 0)
TOPICS = {"support.messages": 1, "support.messages.tagged": 1, "support.messages.dlq": 1}


@asynccontextmanager
async def stream_of(
    running: RunningPipeline, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stream]:
    """A stream that has not joined its group: a test plays the group."""
    monkeypatch.setattr("consumer.stream.REVOCATION_SECONDS", 0.2)
    settings = TaggerSettings(max_in_flight=1000, bootstrap_servers="127.0.0.1:1")
    metrics = running.metrics
    records = RecordBuilder(settings, TOPICS, "1", metrics)
    stream = Stream(settings, running.pipeline, records, metrics, Health())
    try:
        yield stream
    finally:
        await stream.on_partitions_revoked([PARTITION])
        await stream.close()


def messages(count: int, size: int = 1) -> list[InputRecordStandIn]:
    return [
        InputRecordStandIn(json.dumps({"text": "mot " * size}).encode(), offset=offset)
        for offset in range(count)
    ]


async def test_a_revoked_partition_leaves_no_work_behind(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_pipeline(tiny_model, budget=64) as running:
        async with stream_of(running, monkeypatch) as stream:
            running.engine.gate.clear()
            for _ in range(3):
                await stream.on_partitions_assigned([PARTITION])
                stream.take_in_hand(PARTITION, messages(600))
                assert stream.in_flight == 600
                await stream.on_partitions_revoked([PARTITION])
                assert stream.in_flight == 0
            running.engine.gate.set()
            # Whoever comes last waits behind everything that is still queued.
            last: Future[TextTagged | Failure] = Future()
            item = TextToTag("dernier", None, last.set_result)
            running.pipeline.submit(lambda: [item])
            await asyncio.wait_for(asyncio.wrap_future(last), 20)
            assert sum(running.engine.batches) < 100
        assert running.crashes == []


async def test_large_messages_fill_the_room_before_their_number_does(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_pipeline(tiny_model) as running:
        async with stream_of(running, monkeypatch) as stream:
            running.engine.gate.clear()
            await stream.on_partitions_assigned([PARTITION])
            assert stream.room_left == 1000
            stream.take_in_hand(PARTITION, messages(10))
            assert stream.room_left == 990
            large = messages(11)[10]
            held = InputRecordStandIn(b" " * MAX_IN_FLIGHT_BYTES, offset=large.offset)
            stream.take_in_hand(PARTITION, [held])
            assert stream.room_left == 0
            running.engine.gate.set()
