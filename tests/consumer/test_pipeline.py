"""Texts go in, and each one's outcome comes back to it alone."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from consumer.deadletter import Failure
from consumer.pipeline import TextPipeline, TextTagged, TextToTag
from modeling.errors import OperatorError
from tests.consumer.parts import running_pipeline

SECONDS = 20


def submit(
    pipeline: TextPipeline, texts: Sequence[str], interactive: bool = False
) -> list[Future[TextTagged | Failure]]:
    futures: list[Future[TextTagged | Failure]] = [Future() for _ in texts]
    items = [
        TextToTag(text, None, future.set_result, interactive)
        for text, future in zip(texts, futures, strict=True)
    ]
    pipeline.submit(lambda: items)
    return futures


def test_each_text_gets_its_own_tagging(tiny_model: Path) -> None:
    texts = [f"Message {number} : {'très ' * number}long" for number in range(40)]
    with running_pipeline(tiny_model) as running:
        outcomes = [future.result(SECONDS) for future in submit(running.pipeline, texts)]
        alone = [submit(running.pipeline, [text])[0].result(SECONDS) for text in texts]
    for together, single, text in zip(outcomes, alone, texts, strict=True):
        assert isinstance(together, TextTagged)
        assert isinstance(single, TextTagged)
        assert together.masked_text == text
        assert abs(together.tagged.global_score.score - single.tagged.global_score.score) < 1e-2


def test_the_model_reads_masked_text_and_the_mask_comes_back(tiny_model: Path) -> None:
    with running_pipeline(tiny_model) as running:
        future: Future[TextTagged | Failure] = Future()
        item = TextToTag("Ici Jeanne", "De Jeanne", future.set_result)
        running.pipeline.submit(lambda: [item])
        named = future.result(SECONDS)
        masked = submit(running.pipeline, ["De [PERSONNE]\nIci [PERSONNE]"])[0].result(SECONDS)
    assert isinstance(named, TextTagged)
    assert isinstance(masked, TextTagged)
    assert (named.masked_text, named.masked_subject) == ("Ici [PERSONNE]", "De [PERSONNE]")
    assert abs(named.tagged.global_score.score - masked.tagged.global_score.score) < 1e-2


def test_a_text_that_the_masker_breaks_on_costs_no_other(tiny_model: Path) -> None:
    with running_pipeline(tiny_model, breaks_on="poison") as running:
        texts = ["un", "deux", "poison", "quatre"]
        outcomes = [future.result(SECONDS) for future in submit(running.pipeline, texts)]
        assert running.crashes == []
    assert [isinstance(outcome, Failure) for outcome in outcomes] == [False, False, True, False]
    failure = outcomes[2]
    assert isinstance(failure, Failure)
    assert (failure.stage, failure.exception) == ("mask", "RuntimeError")


def test_a_text_that_the_device_chokes_on_costs_no_other(tiny_model: Path) -> None:
    with running_pipeline(tiny_model) as running:
        texts = ["un", "deux", "trois " * 12, "quatre"]
        running.engine.poison = len(running.engine.tokenize([texts[2].strip()])[0])
        outcomes = [future.result(SECONDS) for future in submit(running.pipeline, texts)]
        assert running.crashes == []
    assert [isinstance(outcome, Failure) for outcome in outcomes] == [False, False, True, False]
    failure = outcomes[2]
    assert isinstance(failure, Failure)
    assert failure.stage == "tag"
    assert "customer" not in failure.explanation


def test_interactive_texts_overtake_the_stream(tiny_model: Path) -> None:
    order: list[str] = []
    done = threading.Event()

    def note(name: str, last: bool = False) -> TextToTag:
        def finished(outcome: TextTagged | Failure) -> None:
            order.append(name)
            if last:
                done.set()

        return TextToTag("mot", None, finished, interactive=name == "asked")

    with running_pipeline(tiny_model, budget=16) as running:
        running.engine.gate.clear()
        stream = [note(f"stream {place}", last=place == 9) for place in range(10)]
        running.pipeline.submit(lambda: stream)
        while running.metric("ressenti_queue_messages") < 5:
            threading.Event().wait(0.01)
        running.pipeline.submit(lambda: [note("asked")], interactive=True)
        while running.pipeline.interactive_waiting == 0:
            threading.Event().wait(0.01)
        running.engine.gate.set()
        assert done.wait(SECONDS)
    assert "asked" in order[:5]
    assert order[-1] == "stream 9"


def test_interactive_texts_do_not_wait_for_the_stream_s_preparation(tiny_model: Path) -> None:
    held = threading.Event()

    def blocked() -> list[TextToTag]:
        held.wait(SECONDS)
        return []

    with running_pipeline(tiny_model) as running:
        for _ in range(10):
            running.pipeline.submit(blocked)
        future: Future[TextTagged | Failure] = Future()
        asked = TextToTag("mot", None, future.set_result, interactive=True)
        running.pipeline.submit(lambda: [asked], interactive=True)
        assert isinstance(future.result(SECONDS), TextTagged)
        held.set()


def test_an_error_that_is_no_message_s_fault_is_reported(tiny_model: Path) -> None:
    def broken() -> list[TextToTag]:
        raise KeyError("a bug")

    with running_pipeline(tiny_model) as running:
        running.pipeline.submit(broken)
    assert [type(error) for error in running.crashes] == [KeyError]


def test_closing_drops_what_is_queued_and_ends_the_threads(tiny_model: Path) -> None:
    with running_pipeline(tiny_model, budget=32) as running:
        running.engine.gate.clear()
        futures = submit(running.pipeline, ["mot"] * 500)
        while running.metric("ressenti_queue_messages") < 100:
            threading.Event().wait(0.01)
        closing = threading.Thread(target=running.pipeline.close)
        closing.start()
        running.engine.gate.set()
        closing.join(SECONDS)
        assert not running.pipeline.alive
        assert sum(future.done() for future in futures) < 100
    assert running.crashes == []


def test_texts_that_nobody_wants_any_more_are_not_run(tiny_model: Path) -> None:
    wanted = True
    outcomes: list[TextTagged | Failure] = []
    with running_pipeline(tiny_model, budget=32) as running:
        running.engine.gate.clear()
        items = [TextToTag("mot", None, outcomes.append, wanted=lambda: wanted)] * 400
        running.pipeline.submit(lambda: items)
        while running.metric("ressenti_queue_messages") < 300:
            threading.Event().wait(0.01)
        wanted = False
        running.engine.gate.set()
        last = submit(running.pipeline, ["dernier"])[0]
        assert isinstance(last.result(SECONDS), TextTagged)
        assert sum(running.engine.batches) < 50
    assert len(outcomes) < 50


def test_an_engine_that_fails_on_everything_ends_the_process_and_blames_no_message(
    tiny_model: Path,
) -> None:
    with running_pipeline(tiny_model) as running:
        running.engine.poison = -1  # every length
        futures = submit(running.pipeline, ["un", "deux", "trois"])
        while not running.crashes:
            threading.Event().wait(0.01)
        assert not any(future.done() for future in futures)
    assert isinstance(running.crashes[0], OperatorError)
    assert "tag fails on every text" in str(running.crashes[0])


def test_a_masker_that_fails_on_everything_blames_no_message(tiny_model: Path) -> None:
    with running_pipeline(tiny_model, breaks_on="") as running:
        futures = submit(running.pipeline, ["un", "deux"])
        while not running.crashes:
            threading.Event().wait(0.01)
        assert not any(future.done() for future in futures)
    assert "mask fails on every text" in str(running.crashes[0])


def test_batches_are_counted_with_and_without_padding(tiny_model: Path) -> None:
    with running_pipeline(tiny_model) as running:
        lengths = [len(one) for one in running.engine.tokenize(["mot", "mot" + " mot" * 8])]
        running.engine.gate.clear()
        futures = submit(running.pipeline, ["mot", "mot" + " mot" * 8])
        running.engine.gate.set()
        for future in futures:
            future.result(SECONDS)
        assert running.metric("ressenti_batch_tokens_sum") == sum(lengths)
        assert running.metric("ressenti_batch_padding_tokens_total") == max(lengths) - min(lengths)
        assert running.metric("ressenti_batch_rows_sum") == 2
