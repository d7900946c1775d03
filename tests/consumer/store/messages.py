"""Tagged messages of our own making."""

from datetime import UTC, datetime, timedelta
from typing import Any

from consumer.contracts import TaggedMessage

START = datetime(2026, 1, 1, tzinfo=UTC)


def tagged(identifier: str = "m1", **changes: Any) -> TaggedMessage:
    """A tagged message; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "id": identifier,
        "text": "Le colis est arrivé cassé, je suis très déçue.",
        "subject": "Commande abîmée",
        "channel": "mail",
        "language": "fr",
        "sent_at": START,
        "customer": "c-17",
        "metadata": {"agence": "Lyon", "essais": [1, 2.5, None, True]},
        "global_score": {
            "label": "S4",
            "score": 3.1,
            "probabilities": {"S1": 0.0, "S2": 0.1, "S3": 0.1, "S4": 0.5, "S5": 0.3},
        },
        "emotions": [{"label": "E6", "probability": 0.9}, {"label": "E1", "probability": 0.7}],
        "causes": [{"label": "C3", "probability": 0.6}],
        "confidence": 0.8,
        "needs_review": False,
        "model": {"name": "starter", "version": "1"},
        "source": {"topic": "support.messages", "partition": 0, "offset": 7},
        "tagged_at": START + timedelta(seconds=5),
        "priority": "high",
    }
    return TaggedMessage.model_validate(fields | changes)


def of_score(label: str, score: float) -> dict[str, Any]:
    """The field `global_score` with this label and score."""
    return {"global_score": {"label": label, "score": score, "probabilities": {label: 1.0}}}


def of_labels(*labels: str) -> list[dict[str, Any]]:
    """A list of labels as `emotions` and `causes` take it."""
    return [{"label": label, "probability": 0.9} for label in labels]
