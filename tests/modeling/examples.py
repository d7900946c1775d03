"""Labelled messages that a model can learn in seconds: a word decides each label."""

import json
import random
from pathlib import Path

from modeling.dataset import Example

_WORDS = {"low": "mauvais", "middle": "moyen", "high": "excellent"}
_SIGNS = {"A": "guichet", "B": "facture"}


def every_kind_records(count: int, seed: int = 0) -> list[dict[str, object]]:
    """Records of `tests.modeling.every_kind`'s taxonomy; the label `never` never holds."""
    draw = random.Random(seed)
    records: list[dict[str, object]] = []
    for number in range(count):
        level = draw.choice(sorted(_WORDS))
        signs = [code for code in sorted(_SIGNS) if draw.random() < 0.4]
        words = ["bonjour", _WORDS[level], *(_SIGNS[code] for code in signs)]
        draw.shuffle(words)
        records.append(
            {
                "id": f"m-{number}",
                "subject": None,
                "text": " ".join(words),
                "keys": level,
                "topic": "T1" if "A" in signs else "T2",
                "signs": signs,
                "stars": sorted(_WORDS).index(level) + 1,
            }
        )
    return records


def every_kind_examples(count: int, seed: int = 0) -> list[Example]:
    """The same, as examples."""
    return [
        Example(
            id=str(record["id"]),
            subject=None,
            text=str(record["text"]),
            labels={
                "keys": str(record["keys"]),
                "topic": str(record["topic"]),
                "signs": tuple(str(code) for code in _listed(record["signs"])),
                "stars": float(str(record["stars"])),
            },
        )
        for record in every_kind_records(count, seed)
    ]


def _listed(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def write_data(directory: Path, train: int, validation: int) -> Path:
    """Writes a data directory of such records."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, records in (
        ("train.jsonl", every_kind_records(train, 1)),
        ("validation.jsonl", every_kind_records(validation, 2)),
    ):
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        (directory / name).write_text("\n".join(lines), encoding="utf-8")
    return directory
