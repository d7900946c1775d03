import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from consumer.kafka import prepare_topics
from consumer.settings import KafkaSettings
from modeling.errors import OperatorError
from ressenti.broker import EmbeddedBroker, RunningBroker, open_broker
from ressenti.broker.apache import ApacheKafka
from ressenti.broker.process import listens


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


async def test_topics_are_made_as_the_settings_say(broker: EmbeddedBroker) -> None:
    settings = KafkaSettings(
        bootstrap_servers=broker.bootstrap_servers,
        create_topics=True,
        topic_partitions=3,
    )
    assert await prepare_topics(settings, ["made-here"]) == {"made-here": 3}
    assert await prepare_topics(settings, ["made-here"]) == {"made-here": 3}


async def test_a_record_comes_back_with_its_key_headers_and_timestamp(
    broker: EmbeddedBroker,
) -> None:
    servers = broker.bootstrap_servers
    settings = KafkaSettings(bootstrap_servers=servers, create_topics=True)
    await prepare_topics(settings, ["records"])
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        await producer.send_and_wait(
            "records", b"value", b"key", partition=1, timestamp_ms=1234, headers=[("name", b"\xff")]
        )
    partition = TopicPartition("records", 1)
    async with AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest") as reader:
        reader.assign([partition])
        record = await reader.getone()
    assert (record.key, record.value, record.timestamp) == (b"key", b"value", 1234)
    assert record.headers == (("name", b"\xff"),)


async def test_committed_offsets_are_kept(broker: EmbeddedBroker) -> None:
    servers = broker.bootstrap_servers
    settings = KafkaSettings(bootstrap_servers=servers, create_topics=True)
    await prepare_topics(settings, ["committed"])
    partition = TopicPartition("committed", 2)
    # Without joining the group, which takes the embedded broker 5 seconds: the demo does that.
    for before, after in ((None, 7), (7, 9)):
        async with AIOKafkaConsumer(bootstrap_servers=servers, group_id="readers") as reader:
            reader.assign([partition])
            assert await reader.committed(partition) == before
            await reader.commit({partition: after})


def test_a_stopped_broker_leaves_no_process_and_no_folder() -> None:
    broker = EmbeddedBroker()
    port = int(broker.start().rpartition(":")[2])
    assert broker._folder is not None
    folder: Path = broker._folder
    assert listens(port)
    assert folder.is_dir()
    broker.stop()
    assert not listens(port)
    assert not folder.exists()
    broker.stop()


def test_a_broker_that_died_says_so() -> None:
    with EmbeddedBroker() as broker:
        assert broker.failure() is None
        assert broker._process is not None
        assert broker._process._process is not None
        os.kill(broker._process._process.pid, signal.SIGKILL)
        broker._process._process.wait()
        assert "the embedded broker ended by itself (exit code -9)" in (broker.failure() or "")


def test_two_brokers_run_side_by_side() -> None:
    with EmbeddedBroker() as one, EmbeddedBroker() as other:
        assert one.bootstrap_servers != other.bootstrap_servers


def test_a_broker_is_found_by_its_name() -> None:
    assert isinstance(open_broker("embedded"), EmbeddedBroker)
    assert isinstance(open_broker("apache"), ApacheKafka)
    running = open_broker("kafka-1:9092, kafka-2:9092")
    assert isinstance(running, RunningBroker)
    assert running.start() == "kafka-1:9092,kafka-2:9092"
    assert running.failure() is None


@pytest.mark.parametrize("name", ["", "rabbit", "host", "host:port", "a:1,,b:2"])
def test_what_is_no_broker_is_refused(name: str) -> None:
    with pytest.raises(OperatorError, match="host:port"):
        open_broker(name)
