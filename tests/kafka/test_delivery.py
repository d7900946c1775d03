"""Delivery to Apache Kafka: nothing skipped, whatever the broker says."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from consumer.delivery import Outgoing, PartitionDelivery
from consumer.kafka import client_options
from modeling.errors import OperatorError
from ressenti.broker.apache import ApacheKafka
from tests.kafka.programs import Topics

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


@asynccontextmanager
async def delivery_to(topics: Topics) -> AsyncIterator[PartitionDelivery]:
    await topics.create()
    delivery = PartitionDelivery(client_options(topics.settings))
    try:
        yield delivery
    finally:
        await delivery.close()


def incompressible(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


async def test_a_record_without_key_and_value_is_written(apache_kafka: str) -> None:
    topics = Topics(apache_kafka)
    async with delivery_to(topics) as delivery:
        headers = [("__errors.stage", b"decode")]
        acknowledged: list[str] = []
        for partition in (None, 2):
            bare = Outgoing(
                topics.output,
                None,
                None,
                headers,
                partition,
                acknowledged=lambda: acknowledged.append("yes"),
            )
            await delivery.deliver([bare])
    records = await topics.read(topics.output, 2)
    assert [(one.key, one.value, dict(one.headers)) for one in records] == [
        (None, None, {"__errors.stage": b"decode"})
    ] * 2
    assert len(acknowledged) == 2


async def test_records_that_are_too_large_only_together_are_all_written(
    apache_kafka: str,
) -> None:
    topics = Topics(apache_kafka, partitions=1)
    await topics.create()
    await topics.limit(topics.output, max_message_bytes=4000)
    async with delivery_to(topics) as delivery:
        values = [incompressible(1000, seed) for seed in range(12)]
        await delivery.deliver([Outgoing(topics.output, b"k", value, []) for value in values])
    records = await topics.read(topics.output, 12)
    assert sorted(record.value or b"" for record in records) == sorted(values)


async def test_what_stands_in_is_written_for_what_is_too_large_alone(apache_kafka: str) -> None:
    topics = Topics(apache_kafka)
    await topics.create()
    for topic in (topics.output, topics.dead_letters):
        await topics.limit(topic, max_message_bytes=4000)
    async with delivery_to(topics) as delivery:
        bare = Outgoing(topics.dead_letters, None, None, [("why", b"too large")])
        letter = Outgoing(topics.dead_letters, None, incompressible(9000), [], instead=lambda: bare)
        tagged = Outgoing(topics.output, None, incompressible(9001), [], instead=lambda: letter)
        small = Outgoing(topics.output, None, b"small", [])
        await delivery.deliver([tagged, small])
    assert [one.value for one in await topics.read(topics.output, 1)] == [b"small"]
    dead = await topics.read(topics.dead_letters, 1)
    assert [dict(one.headers) for one in dead] == [{"why": b"too large"}]


async def test_what_is_refused_for_good_ends_it_with_the_topic_and_the_reason(
    apache_kafka: str,
) -> None:
    topics = Topics(apache_kafka)
    await topics.create()
    await topics.limit(topics.output, cleanup_policy="compact")
    async with delivery_to(topics) as delivery:
        keyless = Outgoing(topics.output, None, b"value", [])
        with pytest.raises(OperatorError, match=topics.output):
            await delivery.deliver([keyless])


async def test_a_broker_that_dies_and_comes_back_has_every_record() -> None:
    with ApacheKafka() as broker:
        topics = Topics(broker.bootstrap_servers, partitions=1)
        async with delivery_to(topics) as delivery:
            first = [Outgoing(topics.output, b"k", b"%d" % number, []) for number in range(200)]
            await delivery.deliver(first)
            broker.kill()
            acknowledged: list[int] = []
            late = [
                Outgoing(
                    topics.output,
                    b"k",
                    b"%d" % number,
                    [],
                    acknowledged=partial(acknowledged.append, number),
                )
                for number in range(200, 400)
            ]
            delivering = asyncio.create_task(delivery.deliver(late))
            await asyncio.sleep(1.0)
            assert not acknowledged
            await asyncio.to_thread(broker.restart)
            await delivering
            assert sorted(acknowledged) == list(range(200, 400))
        values = {int(one.value or b"") for one in await topics.read(topics.output, 400)}
    assert values == set(range(400))


async def test_closing_while_the_broker_is_away_takes_seconds_not_minutes() -> None:
    with ApacheKafka() as broker:
        topics = Topics(broker.bootstrap_servers)
        async with delivery_to(topics) as delivery:
            await delivery.deliver([Outgoing(topics.output, b"k", b"v", [])])
            broker.kill()
            delivering = asyncio.create_task(
                delivery.deliver([Outgoing(topics.output, b"k", b"v", [])])
            )
            await asyncio.sleep(0.5)
            delivering.cancel()
            began = asyncio.get_running_loop().time()
            await delivery.close()
            assert asyncio.get_running_loop().time() - began < 10.0
