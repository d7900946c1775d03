"""`ressenti train`: a model from labelled messages."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> int:
    """Trains a model and says how good it is."""
    parser = argparse.ArgumentParser(
        prog="ressenti train",
        description="Trains a model on DIR/train.jsonl and chooses its best epoch, calibration and"
        " thresholds on DIR/validation.jsonl. Personal data is masked before the model reads it.",
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="labelled messages")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="where the model goes"
    )
    given = parser.parse_args(arguments)
    from consumer.masking import Masker
    from modeling.training import TrainingSettings, train

    train(given.data, given.output, prepare=Masker().mask, settings=TrainingSettings())
    return 0
