"""The archive against Apache Kafka and PostgreSQL, both real."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from consumer.archive import run_archive
from consumer.kafka import prepare_topics
from consumer.settings import ArchiveSettings
from consumer.store.embedded import embedded_postgresql
from consumer.store.migrations import migrate
from tests.consumer.store.messages import of_score, tagged
from tests.kafka.programs import program

pytestmark = pytest.mark.kafka

PARTITIONS = 3


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of an embedded PostgreSQL that runs."""
    folder = tmp_path_factory.mktemp("archive") / "postgresql"
    with embedded_postgresql(folder):
        yield folder


@pytest.fixture
async def settings(apache_kafka: str, database: Path) -> ArchiveSettings:
    """A topic and a group of their own, and an empty archive."""
    name = uuid.uuid4().hex
    settings = ArchiveSettings(
        bootstrap_servers=apache_kafka,
        output_topic=f"tagged-{name}",
        archive_group=f"archive-{name}",
        create_topics=True,
        topic_partitions=PARTITIONS,
        database_folder=database,
        database_url=None,
        archive_metrics_port=0,
        archive_batch_messages=500,
    )
    await prepare_topics(settings, [settings.output_topic])
    with embedded_postgresql(database) as url:
        migrate(url)
        with psycopg.connect(url) as connection:
            connection.execute("TRUNCATE tagged_messages, unreadable_events")
    return settings


@dataclass
class Running:
    """An archive that runs in this process."""

    url: str
    program: asyncio.Task[None]
    stop: asyncio.Event


@asynccontextmanager
async def running(settings: ArchiveSettings) -> AsyncIterator[Running]:
    stop = asyncio.Event()
    lines: list[str] = []
    reading = asyncio.Event()

    def started(line: str) -> None:
        lines.append(line)
        if line.startswith("archiving"):
            reading.set()

    program = asyncio.create_task(run_archive(settings, stop, started))
    waiting = asyncio.create_task(reading.wait())
    await asyncio.wait({program, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield Running(lines[0].removeprefix("archive's metrics at "), program, stop)
    finally:
        stop.set()
        await asyncio.wait_for(program, 30)


async def produce(settings: ArchiveSettings, values: list[bytes | None]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers)
    async with producer:
        sent = [
            await producer.send(
                settings.output_topic, value, key=b"key", partition=number % PARTITIONS
            )
            for number, value in enumerate(values)
        ]
        await asyncio.gather(*sent)


def messages(first: int, last: int) -> list[bytes | None]:
    return [tagged(f"m{number}").model_dump_json().encode() for number in range(first, last)]


def query(settings: ArchiveSettings, statement: str) -> list[tuple[object, ...]]:
    with (
        embedded_postgresql(settings.database_folder) as url,
        psycopg.connect(url) as connection,
    ):
        return connection.execute(statement).fetchall()


def archived(settings: ArchiveSettings) -> int:
    ((count,),) = query(settings, "SELECT count(*) FROM tagged_messages")
    assert isinstance(count, int)
    return count


async def eventually(
    check: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 40
) -> None:
    async with asyncio.timeout(seconds):
        while True:
            answer = check()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.2)


async def committed(settings: ArchiveSettings) -> int:
    """The sum of the group's committed offsets."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers, group_id=settings.archive_group
    )
    async with consumer:
        partitions = [TopicPartition(settings.output_topic, each) for each in range(PARTITIONS)]
        return sum([await consumer.committed(each) or 0 for each in partitions])


async def metric(url: str, name: str) -> float:
    """The sum of a metric's samples."""
    async with httpx.AsyncClient() as client:
        lines = (await client.get(url)).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.split("{")[0].split()[0] == name)


async def caught_up(url: str) -> bool:
    """Whether a lag is known for every partition, and is none."""
    async with httpx.AsyncClient() as client:
        lines = (await client.get(url)).text.splitlines()
    lags = [line.split()[-1] for line in lines if line.startswith("ressenti_archive_lag_records{")]
    return lags == ["0.0"] * PARTITIONS


async def test_every_message_is_archived_and_every_offset_committed(
    settings: ArchiveSettings,
) -> None:
    await produce(settings, messages(0, 2000))
    async with running(settings) as archive:
        await eventually(lambda: archived(settings) == 2000)
        await produce(settings, messages(2000, 2100))
        await eventually(lambda: archived(settings) == 2100)
        await eventually(lambda: caught_up(archive.url))
        async with httpx.AsyncClient() as client:
            for path in ("readyz", "livez"):
                assert (await client.get(archive.url.replace("metrics", path))).text == "ok\n"
        assert await metric(archive.url, "ressenti_archive_messages_total") == 2100
        assert await metric(archive.url, "ressenti_archive_message_age_seconds_count") == 2100
    assert await committed(settings) == 2100


async def test_events_that_nobody_can_read_are_kept_and_stop_nothing(
    settings: ArchiveSettings,
) -> None:
    poison: list[bytes | None] = [
        b"not json",
        None,
        b'{"id": "x"}',
        tagged("endless", **of_score("".join(chr(0x4E00 + place) for place in range(3000)), 3.0))
        .model_dump_json()
        .encode(),
    ]
    good = messages(0, 100)
    await produce(settings, good[:50] + poison + good[50:])
    async with running(settings) as archive:
        await eventually(lambda: archived(settings) == 100)
        await eventually(
            lambda: len(query(settings, "SELECT 1 FROM unreadable_events")) == len(poison)
        )
        await eventually(lambda: caught_up(archive.url))
        name = "ressenti_archive_unreadable_events_total"
        assert await metric(archive.url, name) == len(poison)
    kept = query(settings, "SELECT reason, value FROM unreadable_events ORDER BY reason")
    assert kept == [
        ("empty", None),
        ("not_a_tagged_message", poison[2]),
        ("not_json", poison[0]),
        ("refused_by_database", poison[3]),
    ]
    assert await committed(settings) == 104


async def test_what_a_transaction_took_back_is_not_archived(settings: ArchiveSettings) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers, transactional_id=settings.archive_group
    )
    async with producer:
        for number, kept in enumerate((True, False, True)):
            await producer.begin_transaction()
            for value in messages(number * 10, number * 10 + 10):
                await producer.send_and_wait(settings.output_topic, value, partition=0)
            await (producer.commit_transaction() if kept else producer.abort_transaction())
    async with running(settings) as archive:
        await eventually(lambda: archived(settings) == 20)
        await eventually(lambda: caught_up(archive.url))
    assert query(settings, "SELECT 1 FROM tagged_messages WHERE id = 'm15'") == []


async def test_while_the_database_is_away_the_archive_waits_in_its_group(
    settings: ArchiveSettings,
) -> None:
    with embedded_postgresql(settings.database_folder):
        async with running(settings) as archive:
            await produce(settings, messages(0, 100))
            await eventually(lambda: archived(settings) == 100)
            number_file = settings.database_folder / "server" / "postmaster.pid"
            os.kill(int(number_file.read_text().split()[0]), signal.SIGINT)
            await eventually(lambda: not number_file.exists())
            await produce(settings, messages(100, 200))
            ready = archive.url.replace("metrics", "readyz")

            async def not_ready() -> bool:
                async with httpx.AsyncClient() as client:
                    return (await client.get(ready)).text == "the database does not answer\n"

            await eventually(not_ready)
            assert await committed(settings) == 100
            assert not archive.program.done()
            # Asking for the count starts the server again.
            await eventually(lambda: archived(settings) == 200)
    assert await committed(settings) == 200


async def test_archives_that_come_and_go_leave_nothing_out(settings: ArchiveSettings) -> None:
    await produce(settings, messages(0, 5000))
    async with running(settings):
        await eventually(lambda: archived(settings) > 0)
        async with running(settings):
            await produce(settings, messages(5000, 8000))
            await eventually(lambda: archived(settings) > 5000)
        await produce(settings, messages(8000, 9000))
        await eventually(lambda: archived(settings) == 9000)
    assert await committed(settings) == 9000


def environment(settings: ArchiveSettings) -> dict[str, str]:
    names = (
        "bootstrap_servers", "output_topic", "archive_group",
        "database_folder", "archive_metrics_port", "archive_batch_messages",
    )  # fmt: skip
    return {f"RESSENTI_{name.upper()}": str(getattr(settings, name)) for name in names}


async def test_killed_half_way_and_started_again_it_archives_every_message_once(
    settings: ArchiveSettings, tmp_path: Path
) -> None:
    total = 20_000
    await produce(settings, messages(0, total))
    # Kept open here, so that looking at the count costs no start of the server.
    with embedded_postgresql(settings.database_folder):
        with program("archive", environment(settings), tmp_path) as first:
            await eventually(lambda: archived(settings) >= total // 4)
            first.kill()
        half_way = archived(settings)
        assert half_way < total
        with program("archive", environment(settings), tmp_path) as second:
            await eventually(lambda: archived(settings) == total)
            assert second.stop() == 0
        ids = query(settings, "SELECT count(DISTINCT id), count(*) FROM tagged_messages")
    assert ids == [(total, total)]
    assert await committed(settings) == total
