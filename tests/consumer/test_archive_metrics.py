import time

from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from consumer.archive_metrics import (
    STALLED_AFTER_SECONDS,
    STUCK_AFTER_SECONDS,
    ArchiveHealth,
    ArchiveMetrics,
    create_archive_api,
)


def test_every_metric_is_served_under_its_name() -> None:
    metrics = ArchiveMetrics(CollectorRegistry(), 1000)
    metrics.messages.inc(3)
    metrics.unreadable_events.labels("not_json").inc()
    metrics.lag.labels("tagged", "0").set(5)
    with TestClient(create_archive_api(ArchiveHealth(), metrics)) as client:
        text = client.get("/metrics").text
    for line in (
        "ressenti_archive_messages_total 3.0",
        'ressenti_archive_unreadable_events_total{reason="not_json"} 1.0',
        'ressenti_archive_lag_records{partition="0",topic="tagged"} 5.0',
        "ressenti_archive_write_duration_seconds_count 0.0",
        'ressenti_archive_batch_messages_bucket{le="999.0"} 0.0',
        'ressenti_archive_batch_messages_bucket{le="1000.0"} 0.0',
        "ressenti_archive_message_age_seconds_count 0.0",
    ):
        assert line in text.splitlines()


def test_a_batch_of_one_has_its_buckets_too() -> None:
    for largest in (1, 2, 3, 64, 65):
        ArchiveMetrics(CollectorRegistry(), largest).batch_messages.observe(1)


def test_it_is_ready_once_the_database_answers_and_the_group_has_it() -> None:
    health = ArchiveHealth()
    with TestClient(create_archive_api(health, ArchiveMetrics(CollectorRegistry(), 1))) as client:
        assert client.get("/readyz").status_code == 503
        health.database_answers = True
        health.in_group = True
        assert client.get("/readyz").text == "ok\n"
        health.database_answers = False
        answer = client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "the database does not answer\n")


def test_it_lives_while_its_loop_turns() -> None:
    health = ArchiveHealth()
    with TestClient(create_archive_api(health, ArchiveMetrics(CollectorRegistry(), 1))) as client:
        assert client.get("/livez").status_code == 200
        health.turned()
        assert client.get("/livez").status_code == 200
        health.last_turn = time.monotonic() - STUCK_AFTER_SECONDS - 1
        assert client.get("/livez").status_code == 503
        assert "stood still" in client.get("/readyz").text


STALLED = STALLED_AFTER_SECONDS + 1


def behind() -> ArchiveHealth:
    """An archive that has found records to commit at moment 0."""
    health = ArchiveHealth(database_answers=True, in_group=True)
    health.observed(behind=True, now=0.0)
    return health


def test_records_that_wait_without_any_commit_are_a_stall() -> None:
    health = behind()
    assert health.not_alive(STALLED_AFTER_SECONDS) == []
    assert health.not_alive(STALLED) == ["records wait and nothing was committed for 121 s"]
    health.observed(behind=True, now=STALLED)
    assert health.not_alive(STALLED)


def test_as_long_as_offsets_move_it_lives_however_far_behind() -> None:
    health = behind()
    health.last_commit = 100.0
    assert health.not_alive(100.0 + STALLED_AFTER_SECONDS) == []
    assert health.not_alive(100.0 + STALLED)


def test_a_quiet_time_is_no_stall_nor_is_the_first_record_after_it() -> None:
    health = behind()
    health.last_commit = 1.0
    health.observed(behind=False, now=2.0)
    assert health.not_alive(1000.0) == []
    health.observed(behind=True, now=1000.0)
    assert health.not_alive(1000.0 + STALLED_AFTER_SECONDS) == []
    assert health.not_alive(1000.0 + STALLED)


def test_waiting_for_the_database_is_no_stall_and_the_time_counts_anew_after_it() -> None:
    health = behind()
    health.database_failed()
    health.observed(behind=True, now=100.0)
    assert health.not_alive(1000.0) == []
    assert health.not_ready() == ["the database does not answer"]
    health.database_failed()
    health.database_answers = True
    health.observed(behind=True, now=1000.0)
    assert health.not_alive(1000.0 + STALLED_AFTER_SECONDS) == []
    assert health.not_alive(1000.0 + STALLED)
