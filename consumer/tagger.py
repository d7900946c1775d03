"""The tagger: puts the model, the pipeline, the API and the Kafka loop together, and runs them."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from consumer.api import create_api
from consumer.enrichment import contract_gaps
from consumer.health import Health
from consumer.http_server import HttpServer, bind
from consumer.kafka import prepare_topics
from consumer.metrics import TaggerMetrics
from consumer.pipeline import TextPipeline
from consumer.records import RecordBuilder
from consumer.settings import PREFIX, TaggerSettings
from consumer.stream import Stream
from consumer.supervision import Crash
from modeling.errors import OperatorError
from modeling.taxonomy import default_taxonomy, load_taxonomy

# torch and spaCy take seconds to import: a wrong port or a missing broker is told before that.
if TYPE_CHECKING:
    from modeling.engine import Engine

log = logging.getLogger(__name__)

_TOKENS_ON_GPU = 16384
_TOKENS_ON_CPU = 2048


async def run_tagger(
    settings: TaggerSettings, stop: asyncio.Event, started: Callable[[str], None] = log.info
) -> None:
    """Tags messages until `stop` is set.

    Args:
        settings: what to read, where to write, which model.
        stop: ends the reading; what is in hand is finished first.
        started: told, in a line for people, where the API listens and when reading begins.

    Raises:
        OperatorError: something that the operator can put right.
    """
    listening = bind(settings.api_host, settings.api_port, "api_port")
    health = Health()
    registry = CollectorRegistry()
    metrics = TaggerMetrics(registry)
    crash = Crash()
    pipelines: list[TextPipeline] = []
    token = settings.api_token.get_secret_value() if settings.api_token else None
    api = create_api(lambda: pipelines[0] if pipelines else None, health, registry, token)
    server = HttpServer(api, listening, crash.report)
    try:
        started(f"API and metrics at {server.url}")
        topics = (settings.input_topic, settings.output_topic, settings.dead_letter_topic)
        partitions = await prepare_topics(settings, topics)
        health.broker_answers = True
        started(f"loading the model from {settings.model or 'the package: the starter'}")
        pipeline = await asyncio.to_thread(_load_pipeline, settings, metrics, crash.report)
        pipelines.append(pipeline)
        health.model_ready = True
        records = RecordBuilder(settings, partitions, pipeline.model.version, metrics)
        stream = Stream(settings, pipeline, records, metrics, health)
        crash.future.add_done_callback(lambda failed: stream.fail(_error_of(failed)))
        started(f"reading {settings.input_topic}, writing {settings.output_topic}")
        watching = asyncio.create_task(_watch_workers(health, server, pipeline))
        try:
            await stream.run(stop)
        finally:
            health.stopping = True
            watching.cancel()
    finally:
        # First those who wait for an answer, then the threads that give it.
        await asyncio.to_thread(server.stop)
        for pipeline in pipelines:
            await asyncio.to_thread(pipeline.close)


def load_engine(settings: TaggerSettings) -> "Engine":
    """The settings' model, on their device, with the taxonomy that the settings name.

    Raises:
        OperatorError: the model cannot be loaded, or answers another taxonomy.
    """
    expected = load_taxonomy(settings.taxonomy) if settings.taxonomy else default_taxonomy()
    from modeling.engine import Engine, starter_directory

    directory = settings.model or starter_directory()
    engine = Engine.load(directory, settings.device)
    differences = expected.differences(engine.taxonomy) or contract_gaps(engine.taxonomy)
    if differences:
        raise OperatorError(
            f"the model in {directory} answers another taxonomy than {expected.name}:"
            f" {'; '.join(differences)}. Name the right folder in {PREFIX}MODEL, or the model's"
            f" own taxonomy in {PREFIX}TAXONOMY"
        )
    return engine


def token_budget(settings: TaggerSettings, engine: "Engine") -> int:
    """Tokens of one batch: the setting's, or what suits the device."""
    on_gpu = engine.device.startswith("cuda")
    return settings.batch_tokens or (_TOKENS_ON_GPU if on_gpu else _TOKENS_ON_CPU)


def _load_pipeline(
    settings: TaggerSettings, metrics: TaggerMetrics, on_crash: Callable[[BaseException], None]
) -> TextPipeline:
    from consumer.masking import Masker

    begun = time.monotonic()
    engine = load_engine(settings)
    masker = Masker()
    budget = token_budget(settings, engine)
    engine.warm_up(budget)
    metrics.model_info.labels(engine.name, engine.version, engine.device).set(1)
    log.info(
        "model %s %s on %s, loaded in %.1f s",
        engine.name,
        engine.version,
        engine.device,
        time.monotonic() - begun,
    )
    return TextPipeline(masker, engine, budget, settings.preparation_threads, metrics, on_crash)


async def _watch_workers(health: Health, server: HttpServer, pipeline: TextPipeline) -> None:
    while True:
        health.workers = {"the HTTP server": server.alive, "the device's thread": pipeline.alive}
        await asyncio.sleep(1.0)


def _error_of(future: asyncio.Future[None]) -> BaseException:
    return future.exception() or RuntimeError("a worker ended")
