"""Sees what becomes of the demo's messages: in the topics, in the archive, in the metrics."""

import asyncio
import time

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord
from prometheus_client.parser import text_string_to_metric_families

from consumer.contracts import ERROR_HEADER_PREFIX, TaggedMessage
from consumer.kafka import client_options
from consumer.settings import DatabaseSettings, KafkaSettings, load_settings
from consumer.store.connection import open_database
from consumer.store.filters import EVERYTHING
from consumer.store.statistics import statistics
from ressenti.demo.installation import get
from ressenti.demo.progress import Place, Progress

_ARCHIVE_POLL_SECONDS = 0.1
_METRICS_POLL_SECONDS = 1.0
_FETCH_WAIT_MILLISECONDS = 50


async def watch_topics(settings: KafkaSettings, progress: Progress) -> None:
    """Reads the three topics from their beginning, without end."""
    consumer = AIOKafkaConsumer(
        settings.input_topic,
        settings.output_topic,
        settings.dead_letter_topic,
        **client_options(settings),
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=_FETCH_WAIT_MILLISECONDS,
    )
    await consumer.start()
    try:
        async for record in consumer:
            now = time.time()
            if record.topic == settings.input_topic:
                progress.on_input((record.partition, record.offset), record.timestamp / 1000)
            elif record.topic == settings.output_topic:
                message = TaggedMessage.model_validate_json(record.value)
                progress.on_tagged(message, record.timestamp / 1000, now)
            else:
                progress.on_dead_letter(_place_of(record), now)
    finally:
        await consumer.stop()


async def watch_archive(database_url: str, progress: Progress) -> None:
    """Counts the archive's messages again and again, without end."""
    settings = load_settings(DatabaseSettings, database_url=database_url)
    async with open_database(settings, connections=1) as pool:
        while True:
            async with pool.connection() as connection:
                counted = await statistics(connection, EVERYTHING)
            progress.on_archived(counted.messages, time.time())
            await asyncio.sleep(_ARCHIVE_POLL_SECONDS)


async def watch_batches(api_port: int, progress: Progress) -> None:
    """Reads the mean size of the tagger's batches from its metrics, without end."""
    while True:
        await read_batches(api_port, progress)
        await asyncio.sleep(_METRICS_POLL_SECONDS)


async def read_batches(api_port: int, progress: Progress) -> None:
    """Reads the mean size of the tagger's batches from its metrics."""
    status, text = await asyncio.to_thread(get, api_port, "/metrics")
    tokens, batches = _tokens_and_batches(text) if status == 200 else (0.0, 0.0)
    if batches:
        progress.on_batches(tokens / batches)


def _tokens_and_batches(text: str) -> tuple[float, float]:
    samples = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        if family.name == "ressenti_batch_tokens"
        for sample in family.samples
    }
    return samples["ressenti_batch_tokens_sum"], samples["ressenti_batch_tokens_count"]


def _place_of(dead_letter: ConsumerRecord) -> Place:
    headers = dict(dead_letter.headers)
    partition, offset = (
        int(headers[f"{ERROR_HEADER_PREFIX}{name}"]) for name in ("partition", "offset")
    )
    return partition, offset
