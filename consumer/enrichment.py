"""From what the model says to the event that is published."""

from datetime import datetime
from typing import Any

from consumer.contracts import (
    GlobalScore,
    LabelProbability,
    Message,
    ModelVersion,
    Source,
    TaggedMessage,
    TaggedText,
)
from modeling.tagging import GroupTagging, Tagging
from modeling.taxonomy import Kind, LabelGroup, Taxonomy

_GROUPS = {"global_score": Kind.ORDINAL, "emotions": Kind.MULTILABEL, "causes": Kind.MULTILABEL}


def contract_gaps(taxonomy: Taxonomy) -> list[str]:
    """What a taxonomy lacks to fill a tagged message; empty when nothing."""
    kinds = {group.name: group.kind for group in taxonomy.groups}
    return [
        f"tagged messages need a group {name} of kind {kind}"
        for name, kind in _GROUPS.items()
        if kinds.get(name) is not kind
    ]


def tagged_text(tagging: Tagging, taxonomy: Taxonomy, model: ModelVersion) -> TaggedText:
    """A tagging in the contract's words.

    Raises:
        KeyError: the taxonomy has gaps (`contract_gaps`); the tagger refuses such a model.
    """
    score = tagging.groups["global_score"]
    codes = taxonomy.group("global_score").codes
    if score.score is None:
        raise KeyError("global_score is not ordinal")
    return TaggedText(
        global_score=GlobalScore(
            label=score.labels[0],
            score=score.score,
            probabilities=dict(zip(codes, score.probabilities, strict=True)),
        ),
        emotions=_chosen(tagging.groups["emotions"], taxonomy.group("emotions")),
        causes=_chosen(tagging.groups["causes"], taxonomy.group("causes")),
        confidence=tagging.confidence,
        needs_review=tagging.needs_review,
        model=model,
    )


def _chosen(tagging: GroupTagging, group: LabelGroup) -> list[LabelProbability]:
    probability = dict(zip(group.codes, tagging.probabilities, strict=True))
    return [LabelProbability(label=code, probability=probability[code]) for code in tagging.labels]


def message_id(message: Message, source: Source) -> str:
    """The message's own id, or one that a replay of the same record gives again."""
    return message.id or f"{source.topic}-{source.partition}-{source.offset}"


def tagged_message(
    message: Message,
    published: tuple[str, str | None],
    tagged: TaggedText,
    source: Source,
    now: datetime,
) -> TaggedMessage:
    """Joins a message, the text and subject to publish, and its tagging.

    The input's other fields are handed on; where a name is the tagging's own, the tagging wins.
    """
    text, subject = published
    fields: dict[str, Any] = {**(message.model_extra or {}), **dict(message), **dict(tagged)}
    fields |= {
        "id": message_id(message, source),
        "text": text,
        "subject": subject,
        "source": source,
        "tagged_at": now,
    }
    return TaggedMessage.model_validate(fields)
