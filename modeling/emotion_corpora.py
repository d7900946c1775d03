"""Short texts with emotions, for a first training of an encoder: GoEmotions and XED.

`python -m modeling.emotion_corpora --goemotions DIR --xed FILE --output DIR` writes `train.jsonl`,
`validation.jsonl` and `taxonomy.yaml`. The corpora's own emotions are mapped to twelve common ones;
texts are drawn so that rare emotions are not drowned by frequent ones.

Sources: GoEmotions (Demszky et al. 2020, Apache 2.0; `text<TAB>label indices<TAB>id` with a
`labels.txt`), XED's French projections (Öhman et al. 2020, CC BY 4.0; `text<TAB>labels`).
"""

import argparse
import json
import random
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from modeling.dataset import TRAIN, VALIDATION
from modeling.errors import OperatorError
from modeling.taxonomy import Kind, Label, LabelGroup, Names, Taxonomy

TAXONOMY = "taxonomy.yaml"
GROUP = "emotions"
SEED = 0
VALIDATION_TEXTS = 500
TEXTS_AN_EMOTION = 550
TEXTS_WITHOUT_EMOTION = 700
XED_TEXTS = 6_000

_GOEMOTIONS: Mapping[str, Sequence[str]] = {
    "joy": ("joy", "excitement", "amusement"),
    "gratitude": ("gratitude",),
    "trust": ("relief", "optimism", "caring"),
    "surprise": ("surprise", "realization"),
    "disappointment": ("disappointment", "disapproval"),
    "anger": ("anger",),
    "fear": ("fear", "nervousness"),
    "sadness": ("sadness", "grief", "remorse"),
    "disgust": ("disgust",),
    "admiration": ("admiration",),
    "annoyance": ("annoyance",),
    "confusion": ("confusion",),
}
# XED's second emotion, anticipation, has no counterpart.
_XED: Mapping[int, str] = {
    1: "anger",
    3: "disgust",
    4: "fear",
    5: "joy",
    6: "sadness",
    7: "surprise",
    8: "trust",
}


@dataclass(frozen=True, slots=True)
class EmotionText:
    """A text and the common emotions that it carries, in alphabetical order."""

    text: str
    emotions: tuple[str, ...]


def common_taxonomy() -> Taxonomy:
    """The twelve common emotions, as a taxonomy of one multilabel group."""
    labels = tuple(Label(code=code, fr=code, en=code) for code in _GOEMOTIONS)
    names = Names(fr="Émotions", en="Emotions")
    group = LabelGroup(name=GROUP, kind=Kind.MULTILABEL, names=names, labels=labels)
    return Taxonomy(name="common-emotions", version=1, groups=(group,))


def read_goemotions(lines: Iterable[str], names: Sequence[str]) -> Iterator[EmotionText]:
    """The texts of a GoEmotions file.

    Args:
        lines: text, indices of its labels, and id, with tabs between.
        names: the labels' names, by their indices.
    """
    common = {theirs: ours for ours, several in _GOEMOTIONS.items() for theirs in several}
    for line in lines:
        text, indices, _ = line.rstrip("\n").split("\t")
        theirs = [names[int(index)] for index in indices.split(",")]
        yield EmotionText(text, tuple(sorted({common[name] for name in theirs if name in common})))


def read_xed(lines: Iterable[str]) -> Iterator[EmotionText]:
    """The texts of an XED file; lines without exactly one tab, which it has some of, are none."""
    for line in lines:
        if line.count("\t") != 1:
            continue
        text, numbers = line.rstrip("\n").split("\t")
        theirs = [int(number) for number in numbers.split(",")]
        yield EmotionText(text, tuple(sorted({_XED[each] for each in theirs if each in _XED})))


def balanced(texts: Iterable[EmotionText]) -> list[EmotionText]:
    """The first texts until each emotion, or the lack of any, has its number of them."""
    left = dict.fromkeys(_GOEMOTIONS, TEXTS_AN_EMOTION)
    left_without = TEXTS_WITHOUT_EMOTION
    chosen = []
    for text in texts:
        if not text.emotions:
            if left_without:
                left_without -= 1
                chosen.append(text)
        elif all(left[emotion] for emotion in text.emotions):
            for emotion in text.emotions:
                left[emotion] -= 1
            chosen.append(text)
    return chosen


def draw(goemotions: Iterable[EmotionText], xed: Iterable[EmotionText]) -> list[EmotionText]:
    """The texts to train on, in random order; the same ones every time."""
    chance = random.Random(SEED)  # noqa: S311 - no secret
    english, french = list(goemotions), list(xed)
    chance.shuffle(english)
    chance.shuffle(french)
    drawn = balanced(english) + french[:XED_TEXTS]
    chance.shuffle(drawn)
    return drawn


def write(output: Path, texts: Sequence[EmotionText]) -> None:
    """Writes the data directory that `ressenti train` reads."""
    output.mkdir(parents=True, exist_ok=True)
    parts = {VALIDATION: texts[:VALIDATION_TEXTS], TRAIN: texts[VALIDATION_TEXTS:]}
    for name, part in parts.items():
        lines = (
            json.dumps({"text": each.text, GROUP: list(each.emotions)}, ensure_ascii=False)
            for each in part
        )
        (output / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    taxonomy = common_taxonomy().model_dump(mode="json")
    (output / TAXONOMY).write_text(
        yaml.safe_dump(taxonomy, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the corpora and writes the data directory."""
    parser = argparse.ArgumentParser(
        prog="python -m modeling.emotion_corpora",
        description="Prepares short texts with emotions for the first training of an encoder.",
    )
    parser.add_argument("--goemotions", type=Path, required=True, metavar="DIR")
    parser.add_argument("--xed", type=Path, required=True, metavar="FILE")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    given = parser.parse_args(arguments)
    try:
        names = _lines(given.goemotions / "labels.txt")
        goemotions = list(read_goemotions(_lines(given.goemotions / "train.tsv"), names))
        xed = list(read_xed(_lines(given.xed)))
        drawn = draw(goemotions, xed)
        write(given.output, drawn)
    except (OSError, ValueError, IndexError, OperatorError) as error:
        print(f"emotion_corpora: {error}", file=sys.stderr)
        return 2
    print(f"{len(drawn)} texts in {given.output}")
    return 0


def _lines(path: Path) -> list[str]:
    # Not splitlines, which also breaks at separators inside a text.
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")


if __name__ == "__main__":
    sys.exit(main())
