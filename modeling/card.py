"""The model card that goes with every trained model."""

from modeling.cross_fitting import FOLDS, SHUFFLES
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
        evaluation: its figures on the validation messages, cross-fitted too.
        trained_on: how many messages it was trained on.
    """
    return f"""\
# {manifest.name} {manifest.version}

Reads a message (at most {manifest.max_tokens} tokens: the head and the tail of a longer one) and
answers the label groups below.

Trained on {trained_on} messages.

{figures(taxonomy, evaluation)}

{review_bar(manifest)}
"""


def figures(taxonomy: Taxonomy, evaluation: Evaluation) -> str:
    """Markdown: how the figures were measured, and a table of them.

    Args:
        taxonomy: the model's label groups.
        evaluation: its figures on the validation messages, cross-fitted too.
    """
    assert evaluation.cross_fitted is not None
    rows = [
        f"| {group.name} | {group.kind} | {figure} | {value:.3f}"
        f" | {evaluation.cross_fitted.groups[group.name][figure]} |"
        for group in taxonomy.groups
        for figure, value in evaluation.groups[group.name].items()
    ]
    table = "\n".join(
        ("| group | kind | figure | in-sample | cross-fitted |", "|---" * 5 + "|", *rows)
    )
    return f"""\
Measured on {evaluation.messages} validation messages. The temperatures and the thresholds were
fitted on all of them, which makes the in-sample figures too good, most of all those of rare labels.
For the cross-fitted ones they were fitted on {FOLDS - 1} parts of {FOLDS} and measured on the part
left out, all parts in turn (mean ± standard deviation of {SHUFFLES} shuffles): these are the
figures to go by. The epoch was chosen by them, so that even they are not those of unseen messages.

{table}"""


def label_figures(taxonomy: Taxonomy, evaluation: Evaluation) -> str:
    """Markdown: a table of every label's F1, and how many messages it rests on.

    Args:
        taxonomy: the model's label groups.
        evaluation: its figures on the validation messages, cross-fitted too.
    """
    assert evaluation.cross_fitted is not None
    rows = [
        f"| {group.name} | {label.code} {label.en} | {count} | {f1:.2f}"
        f" | {spread.mean:.2f} ± {spread.deviation:.2f} |"
        for group in taxonomy.groups
        if group.name in evaluation.labels
        for label in group.labels
        for f1, count in [evaluation.labels[group.name][label.code]]
        for spread in [evaluation.cross_fitted.labels[group.name][label.code]]
    ]
    return "\n".join(
        ("| group | label | messages | F1 in-sample | F1 cross-fitted |", "|---" * 5 + "|", *rows)
    )


def review_bar(manifest: Manifest) -> str:
    """Markdown: what a message's confidence is held against."""
    return (
        "A message whose confidence is under"
        f" {manifest.calibration.review_below:.3f} is marked for review: the\nleast confident"
        " fifth of the validation messages."
    )
