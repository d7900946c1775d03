"""The model card that goes with every trained model."""

from modeling.evaluation import Evaluation
from modeling.model_files import Manifest
from modeling.taxonomy import Taxonomy


def model_card(
    manifest: Manifest, taxonomy: Taxonomy, evaluation: Evaluation, trained_on: int
) -> str:
    """Markdown: what the model is, what it was trained on, and its figures.

    Args:
        manifest: the model's.
        taxonomy: its label groups.
        evaluation: its figures on the validation messages.
        trained_on: how many messages it was trained on.
    """
    lines = [
        f"# {manifest.name} {manifest.version}",
        "",
        f"Reads a message (at most {manifest.max_tokens} tokens: the head and the tail of a longer"
        " one) and answers the label groups below.",
        "",
        f"Trained on {trained_on} messages. The epoch, the temperatures and the thresholds were"
        f" chosen on {evaluation.messages} others, on which the figures were then measured: they"
        " are a little too good.",
        "",
        "| group | kind | figure | value |",
        "|---|---|---|---|",
    ]
    for group in taxonomy.groups:
        for figure, value in evaluation.groups[group.name].items():
            lines.append(f"| {group.name} | {group.kind} | {figure} | {value:.3f} |")
    lines += [
        "",
        "A message whose confidence is under"
        f" {manifest.calibration.review_below:.3f} is marked for review: the least confident"
        " fifth of the validation messages.",
        "",
    ]
    return "\n".join(lines)
