"""`ressenti evaluate`: how good a model is on labelled messages."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console


def main(arguments: Sequence[str]) -> int:
    """Prints a model's figures, as a table or as one JSON object."""
    parser = argparse.ArgumentParser(
        prog="ressenti evaluate",
        description="Measures a model on labelled messages, masked as the tagger masks them.",
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="JSONL, labelled")
    parser.add_argument("--model", type=Path, metavar="DIR", help="default: the starter model")
    parser.add_argument("--json", action="store_true", help="print one JSON object, last")
    given = parser.parse_args(arguments)
    from consumer.masking import Masker
    from modeling.dataset import load
    from modeling.engine import Engine, starter_directory
    from modeling.evaluation import evaluate

    engine = Engine.load(given.model or starter_directory())
    evaluation = evaluate(engine, load(given.data, engine.taxonomy), prepare=Masker().mask)
    if given.json:
        print(json.dumps(evaluation.as_json()))
    else:
        Console().print(*evaluation.tables())
    return 0
