"""How much personal data masking finds: `python -m consumer.masking.report FILE`.

The file has one JSON object a line: `part`, `text`, and `spans`, a list of `[start, end, kind]`.
The rules were tuned on the part `development`. The part `heldout` was written before them and
measured once, after which faults of a general kind were put right; `fresh` was written then, and
nothing was changed for it. `fresh2` was written after a review had named faults (names in small
letters or shouted, numbers in chat spellings, acronyms, brands, English feeling words), before
they were put right: it shows that those stay right, not how often others occur.

An occurrence is recalled when finds of its kind cover at least 0.9 of its characters, and masked
when finds of any kind do. A find is right when at least half of its characters lie in occurrences
of its kind.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from consumer.masking.masker import Masker
from consumer.masking.spans import Find, Kind

PARTS = ("development", "heldout", "fresh", "fresh2")
_RECALLED = 0.9
_RIGHT = 0.5


@dataclass(slots=True)
class Score:
    """Counts for one kind of personal data."""

    occurrences: int = 0
    recalled: int = 0
    masked: int = 0
    finds: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        """Share of the occurrences that finds of their kind cover."""
        return self.recalled / self.occurrences if self.occurrences else 1.0

    @property
    def masked_share(self) -> float:
        """Share of the occurrences that finds of any kind cover."""
        return self.masked / self.occurrences if self.occurrences else 1.0

    @property
    def precision(self) -> float:
        """Share of the finds that are right."""
        return self.right / self.finds if self.finds else 1.0


def read_labelled(path: Path, part: str) -> list[tuple[str, list[Find]]]:
    """Reads the texts of one part, each with its occurrences."""
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [
        (row["text"], [Find(start, end, Kind(kind)) for start, end, kind in row["spans"]])
        for row in rows
        if row["part"] == part
    ]


def _coverage(find: Find, others: Iterable[Find]) -> float:
    covered: set[int] = set()
    for other in others:
        covered.update(range(max(find.start, other.start), min(find.end, other.end)))
    return len(covered) / (find.end - find.start)


def measure(
    occurrences: Iterable[Sequence[Find]], finds: Iterable[Sequence[Find]]
) -> dict[Kind, Score]:
    """Compares what a text holds with what was found in it, over many texts.

    Args:
        occurrences: What each text holds.
        finds: What was found in each, in the same order.
    """
    scores = {kind: Score() for kind in Kind}
    for held, found in zip(occurrences, finds, strict=True):
        for occurrence in held:
            score = scores[occurrence.kind]
            same = [find for find in found if find.kind == occurrence.kind]
            score.occurrences += 1
            score.recalled += _coverage(occurrence, same) >= _RECALLED
            score.masked += _coverage(occurrence, found) >= _RECALLED
        for find in found:
            same = [occurrence for occurrence in held if occurrence.kind == find.kind]
            scores[find.kind].finds += 1
            scores[find.kind].right += _coverage(find, same) >= _RIGHT
    return scores


def main(path: Path) -> None:
    """Prints a table for each part of a labelled file."""
    masker = Masker()
    for part in PARTS:
        rows = read_labelled(path, part)
        scores = measure([spans for _, spans in rows], masker.find_many([text for text, _ in rows]))
        print(f"\n{part}, {len(rows)} messages")
        print("kind      occurrences  recall  masked  finds  precision")
        for kind, score in scores.items():
            print(
                f"{kind:<9} {score.occurrences:>11}  {score.recall:6.3f}  {score.masked_share:6.3f}"
                f"  {score.finds:>5}  {score.precision:9.3f}"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
