"""`ressenti train`: a model from labelled messages."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from modeling.training import EpochReport


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
    parser.add_argument(
        "--encoder", type=Path, metavar="DIR", help="what to start from; default: the starter model"
    )
    parser.add_argument(
        "--taxonomy", type=Path, metavar="FILE", help="YAML; default: Ressenti's own"
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="YAML with settings of modeling/training_settings.py; default: theirs",
    )
    given = parser.parse_args(arguments)
    from consumer.masking import Masker
    from modeling.taxonomy import load_taxonomy
    from modeling.training import train
    from modeling.training_settings import TrainingSettings, load_training_settings

    settings = load_training_settings(given.config) if given.config else TrainingSettings()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    with bar:
        epochs = bar.add_task("epoch", total=settings.epochs)

        def show(report: "EpochReport") -> None:
            bar.update(epochs, completed=report.epoch)
            bar.console.print(_line(report))

        evaluation = train(
            given.data,
            given.output,
            encoder=given.encoder,
            taxonomy=load_taxonomy(given.taxonomy) if given.taxonomy else None,
            prepare=Masker().mask,
            settings=settings,
            progress=show,
        )
    Console().print(*evaluation.tables())
    Console().print(
        f"The model is in {given.output}. Go by the cross-fitted figures: the others were measured"
        " on the very messages that the calibration was fitted on."
    )
    return 0


def _line(report: "EpochReport") -> str:
    groups = " · ".join(
        f"{name} " + " ".join(f"{figure} {value:.3f}" for figure, value in figures.items())
        for name, figures in report.evaluation.groups.items()
    )
    what = "frozen encoder" if report.epoch == 0 else f"loss {report.loss:.3f}"
    return f"epoch {report.epoch}/{report.epochs} in {report.seconds:.0f} s · {what} · {groups}"
