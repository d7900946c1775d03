"""Parts that the consumer's tests share: records, and a pipeline around the tiny model."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry

from consumer.metrics import TaggerMetrics
from consumer.pipeline import TextPipeline
from modeling.engine import Engine
from modeling.tagging import Tagging


@dataclass(frozen=True)
class InputRecordStandIn:
    """What Kafka gives, made by hand."""

    value: bytes | None
    topic: str = "support.messages"
    partition: int = 0
    offset: int = 0
    timestamp: int = 1_700_000_000_000
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


class NameMasker:
    """Masks nothing but the name Jeanne; breaks on the words that a test chooses."""

    def __init__(self, breaks_on: str | None = None) -> None:
        self._breaks_on = breaks_on

    def mask_many(self, texts: Sequence[str]) -> list[str]:
        if self._breaks_on is not None and any(self._breaks_on in text for text in texts):
            raise RuntimeError("the masker broke")
        return [text.replace("Jeanne", "[PERSONNE]") for text in texts]


class WatchedEngine(Engine):
    """The real engine, whose batches a test can see, hold back and poison."""

    batches: list[int]
    gate: threading.Event
    poison: int | None

    def watch(self) -> None:
        self.batches = []
        self.gate = threading.Event()
        self.gate.set()
        self.poison = None

    def tag(self, encodings: Sequence[list[int]]) -> list[Tagging]:
        self.gate.wait()
        self.batches.append(len(encodings))
        if self.poison == -1 or any(len(one) == self.poison for one in encodings):
            raise RuntimeError("the device choked on a customer's words")
        return super().tag(encodings)


@dataclass
class RunningPipeline:
    """A pipeline, its engine, its metrics, and the errors that were nobody's fault."""

    pipeline: TextPipeline
    engine: WatchedEngine
    metrics: TaggerMetrics
    crashes: list[BaseException] = field(default_factory=list)

    @property
    def registry(self) -> CollectorRegistry:
        return self.metrics.registry

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@contextmanager
def running_pipeline(
    model: Path, breaks_on: str | None = None, budget: int = 2048
) -> Iterator[RunningPipeline]:
    engine = WatchedEngine.load(model, "cpu")
    engine.watch()
    metrics = TaggerMetrics(CollectorRegistry())
    crashes: list[BaseException] = []
    pipeline = TextPipeline(NameMasker(breaks_on), engine, budget, 2, metrics, crashes.append)
    try:
        yield RunningPipeline(pipeline, engine, metrics, crashes)
    finally:
        engine.gate.set()
        pipeline.close()
