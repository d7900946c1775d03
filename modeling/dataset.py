"""Labelled messages from JSON Lines, checked line by line.

One JSON object a line: `text`, `id` and `subject` if there are any, and for every label group of
the taxonomy a field of the group's name: a code (ordinal, multiclass), a list of codes
(multilabel) or a number (regression). Other fields are ignored. A data directory holds
`train.jsonl` and `validation.jsonl`.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.errors import OperatorError
from modeling.inputs import compose
from modeling.taxonomy import Kind, LabelGroup, Taxonomy

TRAIN = "train.jsonl"
VALIDATION = "validation.jsonl"

Value = str | tuple[str, ...] | float


@dataclass(frozen=True, slots=True)
class Example:
    """A message and what is true of it.

    Attributes:
        id: the message's own id, or its place in the file.
        subject: its subject line.
        text: its body.
        labels: by group: a code, codes in the taxonomy's order, or a number.
    """

    id: str
    subject: str | None
    text: str
    labels: Mapping[str, Value]

    def composed(self, prepare: Callable[[str], str]) -> str:
        """What the model reads, once subject and text have been prepared (masked, say)."""
        subject = None if self.subject is None else prepare(self.subject)
        return compose(subject, prepare(self.text))


def identity(text: str) -> str:
    """The preparation that changes nothing."""
    return text


def load(path: Path, taxonomy: Taxonomy) -> list[Example]:
    """Reads a file of labelled messages; blank lines are skipped.

    Raises:
        OperatorError: the file cannot be read or is empty, or a line is not what it should be;
            the error names the file and the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"cannot read {path}: {error}; name a file of JSON Lines in UTF-8"
        ) from error
    examples = [
        _example(line, f"{path}, line {number}", taxonomy)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    if not examples:
        raise OperatorError(f"{path} has no messages; name a file with one JSON object a line")
    return examples


def targets(examples: Sequence[Example], group: LabelGroup) -> npt.NDArray[np.float64]:
    """What is true of each message for one group, as numbers.

    Returns:
        Ordinal and multiclass: class numbers (messages). Multilabel: zeros and ones, messages x
        labels. Regression: values (messages).
    """
    values = [example.labels[group.name] for example in examples]
    if group.kind is Kind.REGRESSION:
        return np.asarray(values, dtype=np.float64)
    if group.kind is Kind.MULTILABEL:
        held = [[float(code in _codes(value)) for code in group.codes] for value in values]
        return np.asarray(held, dtype=np.float64)
    places = {code: place for place, code in enumerate(group.codes)}
    return np.asarray([places[str(value)] for value in values], dtype=np.float64)


def truth_of(examples: Sequence[Example], taxonomy: Taxonomy) -> dict[str, npt.NDArray[np.float64]]:
    """What is true of each message, by group, as `targets` gives it."""
    return {group.name: targets(examples, group) for group in taxonomy.groups}


def _codes(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _example(line: str, place: str, taxonomy: Taxonomy) -> Example:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise OperatorError(f"{place} is not JSON; correct or remove it") from error
    if not isinstance(record, dict):
        raise OperatorError(f"{place} is not a JSON object; correct or remove it")
    text, subject = record.get("text"), record.get("subject")
    if not isinstance(text, str):
        raise OperatorError(f"{place}: the field text is missing or is no text")
    if subject is not None and not isinstance(subject, str):
        raise OperatorError(f"{place}: the field subject is no text")
    labels = {group.name: _value(record, group, place) for group in taxonomy.groups}
    return Example(str(record.get("id", place)), subject, text, labels)


def _value(record: Mapping[str, Any], group: LabelGroup, place: str) -> Value:
    if group.name not in record:
        raise OperatorError(f"{place}: the field {group.name} is missing")
    value = record[group.name]
    if group.kind is Kind.REGRESSION:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            raise OperatorError(f"{place}: {group.name} must be a number")
        return float(value)
    if group.kind is Kind.MULTILABEL:
        if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
            raise OperatorError(f"{place}: {group.name} must be a list of labels")
        for code in value:
            _require_known(code, group, place)
        return tuple(code for code in group.codes if code in value)
    if not isinstance(value, str):
        raise OperatorError(f"{place}: {group.name} must be one label")
    _require_known(value, group, place)
    return value


def _require_known(code: str, group: LabelGroup, place: str) -> None:
    if code not in group.codes:
        raise OperatorError(
            f"{place}: {group.name} has no label {code[:64]!r}; it has {', '.join(group.codes)}"
        )
