"""What the archive tells of itself: Prometheus metrics, and whether it lives and is ready."""

import time
from dataclasses import dataclass

from fastapi import FastAPI, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest as metrics_text

from consumer.metrics import AGES, SECONDS
from consumer.supervision import verdict

# Longer than a write may take; the loop turns at least once a second otherwise.
STUCK_AFTER_SECONDS = 90.0
# Records wait and the database answers, and yet nothing has been committed. Longer than a slow
# write and a commit take together.
STALLED_AFTER_SECONDS = 120.0


class ArchiveMetrics:
    """Everything that the archive counts and times, in one registry."""

    def __init__(self, registry: CollectorRegistry, largest_batch: int) -> None:
        self.registry = registry
        self.messages = Counter(
            "ressenti_archive_messages",
            "Tagged messages written, those that were there already included.",
            registry=registry,
        )
        self.unreadable_events = Counter(
            "ressenti_archive_unreadable_events",
            "Events kept unread.",
            ["reason"],
            registry=registry,
        )
        self.write_duration = Histogram(
            "ressenti_archive_write_duration_seconds",
            "Time that a batch takes, from decoding to the database's commit.",
            buckets=SECONDS,
            registry=registry,
        )
        # The bucket below the limit tells full batches from the rest.
        ladder = {2**power for power in range(15) if 2**power < largest_batch - 1}
        self.batch_messages = Histogram(
            "ressenti_archive_batch_messages",
            "Events in a batch.",
            buckets=sorted(ladder | {max(1, largest_batch - 1), largest_batch}),
            registry=registry,
        )
        self.lag = Gauge(
            "ressenti_archive_lag_records",
            "Records of the tagged topic not yet read.",
            ["topic", "partition"],
            registry=registry,
        )
        self.message_age = Histogram(
            "ressenti_archive_message_age_seconds",
            "Time from a message's tagging to its being archived.",
            buckets=AGES,
            registry=registry,
        )


@dataclass(slots=True)
class ArchiveHealth:
    """What the loop reports, and the two verdicts drawn from it.

    The HTTP server reads it from its own thread; each field is one assignment. Moments are
    monotonic seconds.

    Attributes:
        database_answers: the last write was not in vain.
        in_group: partitions are assigned, be it none.
        stopping: the end has begun.
        last_turn: the loop came round.
        last_commit: Kafka took offsets.
        behind_since: records of our partitions are to be committed, and have been at every look
            since then; None without any, or without a database.
    """

    database_answers: bool = False
    in_group: bool = False
    stopping: bool = False
    last_turn: float | None = None
    last_commit: float | None = None
    behind_since: float | None = None

    def turned(self) -> None:
        """The loop has come round."""
        self.last_turn = time.monotonic()

    def database_failed(self) -> None:
        """A write was in vain: what waits does so for the database from now on."""
        self.database_answers = False
        self.behind_since = None

    def observed(self, behind: bool, now: float) -> None:
        """Whether there are records not yet committed, at `now`."""
        if not behind:
            self.behind_since = None
        elif self.behind_since is None:
            self.behind_since = now

    def not_alive(self, now: float) -> list[str]:
        """Why the process should be restarted, at `now`; empty if it lives."""
        reasons = []
        if self.last_turn is not None and now - self.last_turn > STUCK_AFTER_SECONDS:
            reasons.append(f"the loop has stood still for {now - self.last_turn:.0f} s")
        behind_since = self.behind_since
        if behind_since is not None and self.database_answers:
            moved = max(behind_since, self.last_commit or behind_since)
            if now - moved > STALLED_AFTER_SECONDS:
                reasons.append(f"records wait and nothing was committed for {now - moved:.0f} s")
        return reasons

    def not_ready(self) -> list[str]:
        """Why nothing is being archived; empty when it is."""
        checks = {
            "the database does not answer": self.database_answers,
            "the consumer group has not assigned partitions": self.in_group,
            "the process is stopping": not self.stopping,
        }
        return [reason for reason, passed in checks.items() if not passed]


def create_archive_api(health: ArchiveHealth, metrics: ArchiveMetrics) -> FastAPI:
    """The application with /metrics, /livez and /readyz."""
    api = FastAPI(title="Ressenti archive", docs_url=None, redoc_url=None, openapi_url=None)

    @api.get("/metrics")
    def show_metrics() -> Response:
        return Response(metrics_text(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @api.get("/livez")
    def livez() -> PlainTextResponse:
        return verdict(health.not_alive(time.monotonic()))

    @api.get("/readyz")
    def readyz() -> PlainTextResponse:
        return verdict(health.not_alive(time.monotonic()) + health.not_ready())

    return api
