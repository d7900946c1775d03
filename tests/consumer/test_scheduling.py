"""The scheduler's laws, and its turns."""

import hypothesis.strategies as st
from hypothesis import given

from consumer.scheduling import STREAM_PATIENCE_SECONDS, WINDOW, Job, Scheduler, padded_tokens

lengths = st.lists(st.integers(1, 512), max_size=2 * WINDOW)


def drain(scheduler: Scheduler[int], now: float = 0.0) -> list[list[Job[int]]]:
    batches = []
    while batch := scheduler.next_batch(now):
        batches.append(batch)
    return batches


def filled(tokens: list[int], budget: int, interactive: bool = False) -> Scheduler[int]:
    scheduler: Scheduler[int] = Scheduler(budget)
    for place, length in enumerate(tokens):
        scheduler.add(Job(length, 0.0, place, interactive))
    return scheduler


@given(lengths, st.integers(1, 4096))
def test_every_job_leaves_exactly_once(tokens: list[int], budget: int) -> None:
    leaving = [job.payload for batch in drain(filled(tokens, budget)) for job in batch]
    assert sorted(leaving) == list(range(len(tokens)))


@given(lengths, st.integers(1, 4096))
def test_a_batch_keeps_to_the_budget_unless_it_is_a_single_job(
    tokens: list[int], budget: int
) -> None:
    for batch in drain(filled(tokens, budget)):
        cost = padded_tokens(len(batch), max(job.tokens for job in batch))
        assert cost <= budget or len(batch) == 1


@given(lengths, st.integers(1, 4096))
def test_the_oldest_job_is_in_the_next_batch(tokens: list[int], budget: int) -> None:
    waiting = set(range(len(tokens)))
    for batch in drain(filled(tokens, budget)):
        going = [job.payload for job in batch]
        assert min(waiting) in going
        assert going == sorted(going)
        waiting -= set(going)


def test_neighbours_in_length_run_together() -> None:
    scheduler = filled([10, 500, 12, 480, 11], budget=1000)
    assert [[job.tokens for job in batch] for batch in drain(scheduler)] == [
        [10, 12, 11],
        [500, 480],
    ]


def test_an_idle_scheduler_waits_for_no_second_job() -> None:
    scheduler = filled([10], budget=1000)
    assert [job.payload for job in scheduler.next_batch(0.0)] == [0]


def test_an_empty_scheduler_has_no_batch() -> None:
    assert Scheduler[int](100).next_batch(0.0) == []


def test_interactive_jobs_go_before_an_older_stream() -> None:
    scheduler = filled([10, 10], budget=1000)
    scheduler.add(Job(10, 0.5, 99, interactive=True))
    assert [job.payload for job in scheduler.next_batch(0.6)] == [99]
    assert [job.payload for job in scheduler.next_batch(0.6)] == [0, 1]


def test_a_stream_that_waited_too_long_takes_one_turn() -> None:
    scheduler = filled([10] * 3, budget=10)
    for place in range(4):
        scheduler.add(Job(10, 0.0, 100 + place, interactive=True))
    late = STREAM_PATIENCE_SECONDS
    turns = [scheduler.next_batch(late)[0].payload for _ in range(3)]
    assert turns == [0, 100, 101]
    assert scheduler.next_batch(2 * late)[0].payload == 1


def test_the_queue_says_how_many_wait() -> None:
    scheduler = filled([10, 10], budget=1000)
    scheduler.add(Job(10, 0.0, 2, interactive=True))
    assert (len(scheduler), scheduler.interactive) == (3, 1)
