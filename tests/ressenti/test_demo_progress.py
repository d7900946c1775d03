from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.contracts import GlobalScore, LabelProbability, ModelVersion, Source, TaggedMessage
from ressenti.demo.progress import Progress


def tagged(
    offset: int, partition: int = 0, identifier: str | None = None, score: str = "S3"
) -> TaggedMessage:
    return TaggedMessage(
        id=identifier or f"{partition}-{offset}",
        text="Bonjour",
        global_score=GlobalScore(label=score, score=2.0, probabilities={score: 1.0}),
        emotions=[LabelProbability(label="E6", probability=0.9)],
        causes=[],
        confidence=0.9,
        needs_review=False,
        model=ModelVersion(name="m", version="1"),
        source=Source(topic="t", partition=partition, offset=offset),
        tagged_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_it_is_finished_when_every_message_has_its_outcome_and_every_tagged_one_is_archived() -> (
    None
):
    progress = Progress()
    progress.on_input((0, 0), produced=100.0)
    progress.on_input((0, 1), produced=100.1)
    progress.on_sent(2, now=100.2)
    progress.on_tagged(tagged(0), published=100.5, now=100.6)
    progress.on_archived(1, now=100.8)
    progress.on_dead_letter((0, 1), now=100.9)
    assert not progress.finished, "more messages may come"
    progress.on_sent(2, now=101.0, last=True)
    assert progress.finished


def test_it_is_not_finished_while_something_is_missing() -> None:
    progress = Progress()
    progress.on_sent(2, now=1.0, last=True)
    progress.on_tagged(tagged(0), published=1.0, now=1.0)
    progress.on_archived(1, now=1.0)
    assert not progress.finished
    progress.on_tagged(tagged(1), published=1.0, now=1.0)
    assert not progress.finished
    progress.on_archived(2, now=1.0)
    assert progress.finished


def test_messages_that_share_an_id_share_a_row_of_the_archive() -> None:
    progress = Progress()
    progress.on_sent(2, now=1.0, last=True)
    for offset in (0, 1):
        progress.on_tagged(tagged(offset, identifier="same"), published=1.0, now=1.0)
    progress.on_archived(1, now=1.0)
    assert progress.finished
    assert progress.summary()["tagged"] == 2


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.booleans()), max_size=60))
def test_what_kafka_delivers_again_is_counted_once(
    deliveries: list[tuple[int, int, bool]],
) -> None:
    progress = Progress()
    places: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    for partition, offset, dead in deliveries:
        places[dead].add((partition, offset))
        if dead:
            progress.on_dead_letter((partition, offset), now=1.0)
        else:
            progress.on_tagged(tagged(offset, partition), published=1.0, now=1.0)
    snapshot = progress.snapshot(now=1.0)
    assert (snapshot.tagged, snapshot.dead_letters) == (len(places[False]), len(places[True]))
    assert sum(snapshot.scores.values()) == snapshot.tagged


@given(st.permutations([(kind, offset) for kind in ("input", "tagged") for offset in range(5)]))
def test_latency_does_not_depend_on_which_topic_is_seen_first(
    order: list[tuple[str, int]],
) -> None:
    progress = Progress()
    for kind, offset in order:
        if kind == "input":
            progress.on_input((0, offset), produced=10.0 + offset)
        else:
            progress.on_tagged(tagged(offset), published=10.0 + offset * 1.25 + 1, now=99.0)
    # 1, 1.25, 1.5, 1.75 and 2 seconds.
    assert progress.summary()["latency_ms"] == {"p50": 1500.0, "p99": 2000.0}


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    progress = Progress()
    for offset in range(200):
        progress.on_input((0, offset), produced=0.0)
        progress.on_tagged(tagged(offset), published=(offset + 1) / 1000, now=1.0)
    assert progress.summary()["latency_ms"] == {"p50": 100.0, "p99": 198.0}


def test_seconds_run_from_the_first_message_sent_to_the_last_one_archived() -> None:
    progress = Progress()
    progress.on_input((1, 0), produced=51.0)
    progress.on_input((0, 0), produced=50.0)
    progress.on_sent(2, now=52.0, last=True)
    progress.on_archived(1, now=53.0)
    progress.on_archived(2, now=54.0)
    progress.on_archived(2, now=60.0)
    progress.on_dead_letter((0, 9), now=61.0)
    summary = progress.summary()
    assert summary["seconds"] == 4.0
    assert summary["messages_per_second"] == 0.5


def test_the_rate_counts_the_last_five_seconds() -> None:
    progress = Progress()
    for offset in range(10):
        progress.on_tagged(tagged(offset), published=0.0, now=float(offset))
    assert progress.snapshot(now=9.0).rate == pytest.approx(5 / 5)
    assert progress.snapshot(now=30.0).rate == 0


def test_quiet_time_counts_from_the_last_change() -> None:
    progress = Progress()
    assert progress.quiet_seconds(now=100.0) == 0
    progress.on_sent(1, now=100.0)
    assert progress.quiet_seconds(now=103.0) == 3
    progress.on_tagged(tagged(0), published=1.0, now=104.0)
    progress.on_tagged(tagged(0), published=1.0, now=109.0)
    progress.on_archived(0, now=109.0)
    assert progress.quiet_seconds(now=110.0) == 6


def test_nothing_is_measured_before_anything_has_arrived() -> None:
    summary = Progress().summary()
    assert summary["messages_per_second"] is None
    assert summary["latency_ms"] == {"p50": None, "p99": None}
    assert not Progress().finished


def test_the_last_messages_come_newest_first() -> None:
    progress = Progress()
    for offset in range(20):
        progress.on_tagged(tagged(offset), published=1.0, now=1.0)
    latest = progress.snapshot(now=1.0).latest
    assert [message.source.offset for message in latest][:3] == [19, 18, 17]
    assert len(latest) == 6
