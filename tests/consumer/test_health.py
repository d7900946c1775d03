"""The two verdicts on the process."""

from consumer.health import STALLED_AFTER_SECONDS, STUCK_AFTER_SECONDS, Health


def ready() -> Health:
    return Health(model_ready=True, broker_answers=True, assigned_partitions=0)


def test_a_process_that_starts_lives_and_is_not_ready() -> None:
    assert Health().not_alive(now=1e6) == []
    assert len(Health().not_ready()) == 3


def test_a_member_of_the_group_is_ready_even_without_a_partition() -> None:
    assert ready().not_ready() == []


def test_a_process_that_stops_is_not_ready() -> None:
    health = ready()
    health.stopping = True
    assert health.not_ready() == ["the process is stopping"]


def test_a_loop_that_stands_still_is_not_alive() -> None:
    health = ready()
    health.last_turn = 100.0
    assert health.not_alive(100.0 + STUCK_AFTER_SECONDS) == []
    assert "Kafka loop" in health.not_alive(100.1 + STUCK_AFTER_SECONDS)[0]


def test_messages_in_hand_that_are_never_committed_are_a_stall() -> None:
    health = ready()
    health.last_turn = 1000.0
    health.last_progress = 1000.0 - STALLED_AFTER_SECONDS
    assert health.not_alive(1000.0) == []
    health.last_progress -= 1.0
    assert "nothing was committed" in health.not_alive(1000.0)[0]


def test_a_dead_worker_is_named() -> None:
    health = ready()
    health.workers = {"the HTTP server": True, "the device's thread": False}
    assert health.not_alive(0.0) == ["the device's thread is dead"]
