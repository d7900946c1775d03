from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from consumer.kafka import prepare_topics
from consumer.settings import KafkaSettings
from modeling.errors import OperatorError
from ressenti.broker import ApacheKafka
from ressenti.broker.apache import fetch_jars
from ressenti.broker.process import listens
from ressenti.send import send

pytestmark = pytest.mark.kafka


@pytest.fixture
def own_broker() -> Iterator[ApacheKafka]:
    """A broker that a test may kill."""
    with ApacheKafka() as broker:
        yield broker


def settings_for(servers: str, topic: str) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=servers, create_topics=True, topic_partitions=2, input_topic=topic
    )


async def values_in(servers: str, topic: str, count: int) -> list[bytes | None]:
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    ) as reader:
        return [(await reader.getone()).value for _ in range(count)]


async def test_transactions_are_atomic(apache_kafka: str) -> None:
    await prepare_topics(settings_for(apache_kafka, "atomic"), ["atomic"])
    async with AIOKafkaProducer(
        bootstrap_servers=apache_kafka, transactional_id="a test"
    ) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait("atomic", b"taken back", partition=0)
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait("atomic", b"kept", partition=0)
    assert await values_in(apache_kafka, "atomic", 1) == [b"kept"]


async def test_a_record_larger_than_the_topic_allows_is_named_and_the_others_are_sent(
    apache_kafka: str, tmp_path: Path
) -> None:
    file = tmp_path / "messages.jsonl"
    large = b'{"text": "' + b"a" * 2_000_000 + b'"}'
    file.write_bytes(b'{"text": "1"}\n' + large + b'\n{"text": "3"}\n')
    report = await send(file, settings_for(apache_kafka, "large"), lambda sent, read: None)
    assert report.sent == 2
    assert report.obstacles == ["line 2 has 2,000,012 bytes, more than the topic allows"]
    assert set(await values_in(apache_kafka, "large", 2)) == {b'{"text": "1"}', b'{"text": "3"}'}


async def test_a_killed_broker_comes_back_at_the_same_address_with_its_records(
    own_broker: ApacheKafka,
) -> None:
    servers = own_broker.bootstrap_servers
    await prepare_topics(settings_for(servers, "kept"), ["kept"])
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        await producer.send_and_wait("kept", b"before")
    own_broker.kill()
    assert "exit code -9" in (own_broker.failure() or "")
    own_broker.restart()
    assert own_broker.failure() is None
    assert await values_in(servers, "kept", 1) == [b"before"]


def test_a_stopped_broker_leaves_no_process_and_no_folder() -> None:
    broker = ApacheKafka()
    port = int(broker.start().rpartition(":")[2])
    assert broker._folder is not None
    folder = broker._folder
    broker.stop()
    assert not listens(port)
    assert not folder.exists()
    with pytest.raises(OperatorError, match="was not started"):
        broker.restart()


def test_a_broker_that_cannot_start_is_told_with_its_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = fetch_jars()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    copy = tmp_path / "ressenti" / jars.name
    copy.mkdir(parents=True)
    for jar in jars.iterdir():
        # Kafka formats its folder without this one, and cannot run without it.
        if not jar.name.startswith("kafka-group-coordinator-4"):
            (copy / jar.name).symlink_to(jar)
    with pytest.raises(OperatorError, match=r"Apache Kafka(.|\n)*NoClassDefFoundError"):
        ApacheKafka().start()
