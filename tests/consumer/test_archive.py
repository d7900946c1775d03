import asyncio
import socket

import pytest
from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry
from psycopg_pool import AsyncConnectionPool

from consumer.archive import Archive, run_archive
from consumer.archive_metrics import ArchiveHealth, ArchiveMetrics
from consumer.settings import ArchiveSettings
from modeling.errors import OperatorError


async def test_a_busy_port_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = ArchiveSettings(archive_metrics_port=taken.getsockname()[1])
        with pytest.raises(OperatorError, match="RESSENTI_ARCHIVE_METRICS_PORT"):
            await run_archive(settings, asyncio.Event())


async def test_without_a_broker_the_operator_hears_where_it_was_looked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = ArchiveSettings(
        bootstrap_servers=f"127.0.0.1:{port}", startup_timeout_seconds=0.1, archive_metrics_port=0
    )
    with pytest.raises(OperatorError, match=f"no Kafka answers at 127.0.0.1:{port}"):
        await run_archive(settings, asyncio.Event())


async def test_between_two_assignments_it_is_in_no_group() -> None:
    health = ArchiveHealth()
    archive = Archive(
        ArchiveSettings(),
        AsyncConnectionPool(open=False),
        ArchiveMetrics(CollectorRegistry(), 1000),
        health,
    )
    partitions = [TopicPartition("tagged", 0)]
    for _ in range(2):
        await archive.on_partitions_assigned(partitions)
        assert health.in_group
        await archive.on_partitions_revoked(partitions)
        assert not health.in_group
    stop = asyncio.Event()
    stop.set()
    await archive.run(stop)
    assert health.not_ready()[-1] == "the process is stopping"
