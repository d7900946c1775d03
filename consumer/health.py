"""Whether the tagger lives and whether it is ready, decided from what was last seen of it."""

from dataclasses import dataclass, field

# A Kafka loop that has not turned for so long is stuck: it turns several times a second.
STUCK_AFTER_SECONDS = 30.0
# Messages are in hand and Kafka takes what it is given, and yet nothing has been committed.
STALLED_AFTER_SECONDS = 120.0


@dataclass(slots=True)
class Health:
    """What the parts of the process report, and the two verdicts drawn from it.

    The parts write from their own threads; each field is one assignment, which needs no lock.
    """

    model_ready: bool = False
    broker_answers: bool = False
    assigned_partitions: int | None = None
    stopping: bool = False
    workers: dict[str, bool] = field(default_factory=dict)
    last_turn: float | None = None
    last_progress: float | None = None

    def not_alive(self, now: float) -> list[str]:
        """Why the process should be restarted, at `now` (seconds); empty while it lives."""
        reasons = [f"{name} is dead" for name, alive in self.workers.items() if not alive]
        if self.last_turn is not None and now - self.last_turn > STUCK_AFTER_SECONDS:
            reasons.append(f"the Kafka loop has stood still for {now - self.last_turn:.0f} s")
        if self.last_progress is not None and now - self.last_progress > STALLED_AFTER_SECONDS:
            reasons.append(f"nothing was committed for {now - self.last_progress:.0f} s")
        return reasons

    def not_ready(self) -> list[str]:
        """Why the process should get no requests; empty when it should."""
        checks = {
            "the model is not loaded": self.model_ready,
            "Kafka does not answer": self.broker_answers,
            "the group has not assigned partitions": self.assigned_partitions is not None,
            "the process is stopping": not self.stopping,
        }
        return [reason for reason, passed in checks.items() if not passed]
