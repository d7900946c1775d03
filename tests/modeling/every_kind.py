"""A taxonomy with a label group of every kind, whose names no code can know."""

from pathlib import Path

from modeling.taxonomy import Taxonomy, parse_taxonomy
from tests.conftest import write_tiny_model

EVERY_KIND: Taxonomy = parse_taxonomy(
    """
name: every-kind
version: 3
groups:
  - name: keys
    kind: ordinal
    names: {fr: Échelle, en: Scale}
    labels:
      - {code: low, fr: bas, en: low}
      - {code: middle, fr: moyen, en: middle}
      - {code: high, fr: haut, en: high}
  - name: topic
    kind: multiclass
    names: {fr: Sujet, en: Topic}
    labels:
      - {code: T1, fr: un, en: one}
      - {code: T2, fr: deux, en: two}
  - name: signs
    kind: multilabel
    names: {fr: Signes, en: Signs}
    labels:
      - {code: A, fr: a, en: a}
      - {code: B, fr: b, en: b}
      - {code: never, fr: jamais, en: never}
  - name: stars
    kind: regression
    names: {fr: Étoiles, en: Stars}
""",
    "every kind",
)


def write_every_kind_model(directory: Path) -> Path:
    """Writes a tiny model that answers the taxonomy of every kind."""
    return write_tiny_model(directory, EVERY_KIND)
