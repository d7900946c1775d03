"""The starter's model card: what was measured, put into `recipes/starter-card.md`.

From the project's directory, DATA being the one that the starter was trained on:

    python -c 'from pathlib import Path; from consumer.masking import Masker;
    from modeling.starter_card import write_starter_card;
    write_starter_card(Path("DATA"), Masker().mask)'
"""

from collections.abc import Callable
from pathlib import Path
from string import Template

from modeling.card import figures, label_figures, review_bar
from modeling.cross_fitting import evaluate_own_calibration
from modeling.dataset import TRAIN, VALIDATION, load
from modeling.engine import Engine, starter_directory
from modeling.evaluation import Evaluation
from modeling.model_files import Manifest, load_model, write_card
from modeling.taxonomy import Taxonomy
from modeling.training_settings import TrainingSettings, load_training_settings

RECIPES = Path(__file__).parent / "recipes"
FIRST_TRAINING = RECIPES / "starter-emotions.yaml"
TRAINING_PROPER = RECIPES / "starter.yaml"
TEXT = RECIPES / "starter-card.md"


def write_starter_card(data: Path, prepare: Callable[[str], str]) -> None:
    """Measures the starter and writes its card.

    Args:
        data: the data directory that the starter was trained on.
        prepare: what happened to a subject or text before the model read it: masking.

    Raises:
        OperatorError: the data or the starter is not usable.
    """
    model = load_model(starter_directory())
    validation = load(data / VALIDATION, model.taxonomy)
    evaluation = evaluate_own_calibration(Engine(model), validation, prepare)
    trained_on = len(load(data / TRAIN, model.taxonomy))
    card = starter_card(model.manifest, model.taxonomy, evaluation, trained_on)
    write_card(starter_directory(), card)


def starter_card(
    manifest: Manifest, taxonomy: Taxonomy, evaluation: Evaluation, trained_on: int
) -> str:
    """Markdown: the text of `recipes/starter-card.md` with its figures and settings.

    Args:
        manifest: the starter's.
        taxonomy: its label groups.
        evaluation: its figures on the validation messages, cross-fitted too.
        trained_on: how many messages the training proper had.
    """
    values = {
        "name": manifest.name,
        "version": manifest.version,
        "max_tokens": manifest.max_tokens,
        "layers": ", ".join(map(str, manifest.pooling.layers)),
        "trained_on": trained_on,
        "validated_on": evaluation.messages,
        "figures": figures(taxonomy, evaluation),
        "label_figures": label_figures(taxonomy, evaluation),
        "review_bar": review_bar(manifest),
        "first_training": _told(load_training_settings(FIRST_TRAINING)),
        "training_proper": _told(load_training_settings(TRAINING_PROPER)),
    }
    return Template(TEXT.read_text(encoding="utf-8")).substitute(values)


def _told(settings: TrainingSettings) -> str:
    return (
        f"epochs {settings.epochs}, batches of {settings.batch_rows}, highest rate"
        f" {settings.encoder_rate:g} for the encoder's last layer and {settings.head_rate:g} for"
        f" the heads, each layer {settings.layer_decay:g} times the one above it, weight decay"
        f" {settings.weight_decay:g}, dropout {settings.dropout:g}, weight of rare labels"
        f" (negatives / positives)^{settings.rare_weight:g}, seed {settings.seed}"
    )
