"""`ressenti score`: one text tagged here and now, without Kafka."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from consumer.contracts import ModelVersion, TaggedText
from consumer.settings import TaggerSettings, load_settings
from modeling.errors import OperatorError
from modeling.taxonomy import LabelGroup, Taxonomy


def main(arguments: Sequence[str]) -> int:
    """Prints what the model says of a text."""
    parser = argparse.ArgumentParser(
        prog="ressenti score", description="Tags one text, here and now."
    )
    parser.add_argument("text", help="the customer's words; - reads them from standard input")
    parser.add_argument("--subject", help="the subject line, if there is one")
    parser.add_argument("--model", type=Path, metavar="DIR", help="default: the starter model")
    parser.add_argument("--json", action="store_true", help="print the contract's JSON instead")
    given = parser.parse_args(arguments)
    text = sys.stdin.read() if given.text == "-" else given.text
    if not text.strip() and not (given.subject or "").strip():
        raise OperatorError("the text is empty: there is nothing to tag")
    overridden = {"model": given.model} if given.model else {}
    tagged, taxonomy = _tag(text, given.subject, load_settings(TaggerSettings, **overridden))
    if given.json:
        print(tagged.model_dump_json())
    else:
        Console().print(_table(tagged, taxonomy))
    return 0


def _tag(text: str, subject: str | None, settings: TaggerSettings) -> tuple[TaggedText, Taxonomy]:
    from consumer.enrichment import tagged_text
    from consumer.masking import Masker
    from consumer.tagger import load_engine
    from modeling.inputs import compose

    engine = load_engine(settings)
    masked_text, masked_subject = Masker().mask_many([text, subject or ""])
    encodings = engine.tokenize([compose(masked_subject, masked_text)])
    version = ModelVersion(name=engine.name, version=engine.version)
    return tagged_text(engine.tag(encodings)[0], engine.taxonomy, version), engine.taxonomy


def _table(tagged: TaggedText, taxonomy: Taxonomy) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    score = tagged.global_score
    group = taxonomy.group("global_score")
    table.add_row(
        f"[bold]{group.names.fr}[/]",
        _name(group, score.label),
        f"{score.probabilities[score.label]:.0%}",
        f"{score.score:.2f} / {len(group.labels) - 1}",
    )
    for name, labels in (("emotions", tagged.emotions), ("causes", tagged.causes)):
        group = taxonomy.group(name)
        heading = f"[bold]{group.names.fr}[/]"
        for label in labels:
            table.add_row(heading, _name(group, label.label), f"{label.probability:.0%}", "")
            heading = ""
        if not labels:
            table.add_row(heading, "—", "", "")
    review = "à relire par une personne" if tagged.needs_review else ""
    table.add_row("[bold]Confiance[/]", f"{tagged.confidence:.0%}", "", review)
    table.add_row("[bold]Modèle[/]", f"{tagged.model.name} {tagged.model.version}", "", "")
    return table


def _name(group: LabelGroup, code: str) -> str:
    label = next(label for label in group.labels if label.code == code)
    return f"{code} {label.fr} ({label.en})"
