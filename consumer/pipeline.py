"""From texts to taggings: mask and tokenize in threads, pack, run on the device, hand back.

The stream and the API share it. Its threads never touch an event loop: a result is handed to the
item's own `done`, which must return at once.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from consumer.contracts import ModelVersion, TaggedText
from consumer.deadletter import Failure, Stage, unexpected
from consumer.enrichment import tagged_text
from consumer.isolation import run_isolating
from consumer.metrics import TaggerMetrics
from consumer.scheduling import Job, Scheduler, padded_tokens
from modeling.errors import OperatorError
from modeling.inputs import compose
from modeling.tagging import Tagging
from modeling.taxonomy import Taxonomy

Encoding = list[int]
Item = TypeVar("Item")
Result = TypeVar("Result")


# What any working stage can do; who cannot is broken, whatever the message.
_PLAIN_TEXT = "Bonjour"
_CLOSE_SECONDS = 5.0


class TextMasker(Protocol):
    """Replaces personal data by typed placeholders; called from several threads."""

    def mask_many(self, texts: Sequence[str]) -> list[str]: ...  # noqa: D102


class TextEngine(Protocol):
    """The model: `tokenize` from several threads at once, `tag` from one."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def device(self) -> str: ...  # noqa: D102
    @property
    def max_tokens(self) -> int: ...  # noqa: D102
    @property
    def taxonomy(self) -> Taxonomy: ...  # noqa: D102
    def tokenize(self, texts: Sequence[str]) -> list[Encoding]: ...  # noqa: D102
    def tag(self, encodings: Sequence[Encoding]) -> list[Tagging]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class TextTagged:
    """A text that went through: as masked, and what the model says of it."""

    masked_text: str
    masked_subject: str | None
    tagged: TaggedText


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class TextToTag:
    """A text on its way in.

    Attributes:
        text: the customer's words.
        subject: the subject line.
        done: called at most once, from a thread of the pipeline.
        interactive: whether somebody waits for the answer.
        wanted: asked before each stage; once it says no, the text is dropped and `done` is not
            called.
    """

    text: str
    subject: str | None
    done: Callable[[TextTagged | Failure], None]
    interactive: bool = False
    wanted: Callable[[], bool] = _always


@dataclass(frozen=True, slots=True)
class _Prepared:
    item: TextToTag
    masked_text: str
    masked_subject: str | None
    encoding: Encoding


class TextPipeline:
    """Owns the preparing threads, the device's thread and the finishing thread.

    Args:
        masker: hides personal data before the model reads the text.
        engine: the model.
        token_budget: tokens of one batch, padding included.
        threads: how many prepare.
        metrics: what to count into.
        on_crash: told, from the thread at fault, of an error that is no message's fault.
    """

    def __init__(
        self,
        masker: TextMasker,
        engine: TextEngine,
        token_budget: int,
        threads: int,
        metrics: TaggerMetrics,
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self.engine = engine
        self.model = ModelVersion(name=engine.name, version=engine.version)
        self._masker = masker
        self._metrics = metrics
        self._on_crash = on_crash
        self._scheduler: Scheduler[_Prepared] = Scheduler(token_budget)
        self._work = threading.Condition()
        self._closing = False
        self._preparers = ThreadPoolExecutor(threads, "prepare")
        self._interactive_preparer = ThreadPoolExecutor(1, "prepare-interactive")
        self._finisher = ThreadPoolExecutor(1, "finish")
        self._device = threading.Thread(target=self._run_device, name="device", daemon=True)
        self._device.start()

    @property
    def alive(self) -> bool:
        """Whether the device's thread runs."""
        return self._device.is_alive()

    @property
    def interactive_waiting(self) -> int:
        """Interactive texts that wait for the device."""
        with self._work:
            return self._scheduler.interactive

    def submit(
        self, make_items: Callable[[], Sequence[TextToTag]], interactive: bool = False
    ) -> None:
        """Has a preparing thread make the items, then mask, tokenize and queue them.

        Interactive ones have a thread of their own, so as not to wait behind the stream's.
        """
        threads = self._interactive_preparer if interactive else self._preparers
        self._watch(threads.submit(self._prepare, make_items))

    def close(self) -> None:
        """Drops what is queued, and waits a little for what runs."""
        with self._work:
            self._closing = True
            self._work.notify_all()
        for threads in (self._interactive_preparer, self._preparers, self._finisher):
            threads.shutdown(wait=False, cancel_futures=True)
        self._device.join(_CLOSE_SECONDS)

    def _prepare(self, make_items: Callable[[], Sequence[TextToTag]]) -> None:
        with self._metrics.stage_duration.labels("decode").time():
            items = [item for item in make_items() if item.wanted()]
        masked = self._survivors(
            "mask",
            self._mask,
            [(item, item) for item in items],
            lambda: self._masker.mask_many([_PLAIN_TEXT]),
        )
        prepared = self._survivors(
            "tokenize",
            self._tokenize,
            [(item, (item, *texts)) for item, texts in masked if item.wanted()],
            lambda: self.engine.tokenize([_PLAIN_TEXT]),
        )
        arrived = time.monotonic()
        with self._work:
            for item, ready in prepared:
                self._scheduler.add(Job(len(ready.encoding), arrived, ready, item.interactive))
            self._metrics.queue.set(len(self._scheduler))
            self._work.notify_all()

    def _survivors(
        self,
        stage: Stage,
        run: Callable[[Sequence[Item]], Sequence[Result]],
        work: Sequence[tuple[TextToTag, Item]],
        probe: Callable[[], object],
    ) -> list[tuple[TextToTag, Result]]:
        """Runs a stage over a chunk; who makes it fail is told so, the others go on."""
        if not work:
            return []
        with self._metrics.stage_duration.labels(stage).time():
            results = run_isolating(run, [given for _, given in work])
        _blame(stage, results, probe)
        survivors = []
        for (item, _), result in zip(work, results, strict=True):
            if isinstance(result, Exception):
                item.done(unexpected(stage, result))
            else:
                survivors.append((item, result))
        return survivors

    def _mask(self, items: Sequence[TextToTag]) -> list[tuple[str, str | None]]:
        flat = [part for item in items for part in (item.text, item.subject or "")]
        masked = self._masker.mask_many(flat)
        return [
            (masked[2 * place], masked[2 * place + 1] if item.subject is not None else None)
            for place, item in enumerate(items)
        ]

    def _tokenize(self, masked: Sequence[tuple[TextToTag, str, str | None]]) -> list[_Prepared]:
        encodings = self.engine.tokenize([compose(subject, text) for _, text, subject in masked])
        return [
            _Prepared(item, text, subject, encoding)
            for (item, text, subject), encoding in zip(masked, encodings, strict=True)
        ]

    def _run_device(self) -> None:
        try:
            while batch := self._wait_for_batch():
                tokens = [job.tokens for job in batch]
                self._metrics.batch_rows.observe(len(batch))
                self._metrics.batch_tokens.observe(sum(tokens))
                self._metrics.batch_padding.inc(
                    padded_tokens(len(batch), max(tokens)) - sum(tokens)
                )
                with self._metrics.stage_duration.labels("tag").time():
                    results = run_isolating(
                        lambda jobs: self.engine.tag([job.payload.encoding for job in jobs]), batch
                    )
                _blame("tag", results, lambda: self.engine.tag(self.engine.tokenize([_PLAIN_TEXT])))
                self._watch(self._finisher.submit(self._finish, batch, results))
        except BaseException as error:  # the process must not outlive its device's thread
            if not self._closing:
                self._on_crash(error)

    def _wait_for_batch(self) -> list[Job[_Prepared]]:
        """The next batch of texts that are still wanted; empty once the pipeline closes."""
        with self._work:
            while True:
                self._work.wait_for(lambda: self._closing or len(self._scheduler))
                if self._closing:
                    return []
                batch = self._scheduler.next_batch(time.monotonic())
                self._metrics.queue.set(len(self._scheduler))
                if wanted := [job for job in batch if job.payload.item.wanted()]:
                    return wanted

    def _finish(
        self, batch: Sequence[Job[_Prepared]], results: Sequence[Tagging | Exception]
    ) -> None:
        for job, result in zip(batch, results, strict=True):
            prepared = job.payload
            if isinstance(result, Exception):
                prepared.item.done(unexpected("tag", result))
                continue
            tagged = tagged_text(result, self.engine.taxonomy, self.model)
            prepared.item.done(TextTagged(prepared.masked_text, prepared.masked_subject, tagged))

    def _watch(self, future: Future[Any]) -> None:
        def report(ended: Future[Any]) -> None:
            error = None if ended.cancelled() else ended.exception()
            if error is not None:
                self._on_crash(error)

        future.add_done_callback(report)


def _blame(stage: Stage, results: Sequence[object], probe: Callable[[], object]) -> None:
    """Tells a message's fault from the stage's own, when nothing at all got through.

    Raises:
        OperatorError: the stage fails on a plain text too, so that no message is to blame.
    """
    if not all(isinstance(result, Exception) for result in results):
        return
    try:
        probe()
    except Exception as error:
        raise OperatorError(
            f"{stage} fails on every text, even on a plain one ({type(error).__name__}: {error});"
            " no message was given up: see what the device says, and start again"
        ) from error
