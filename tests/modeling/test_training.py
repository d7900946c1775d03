import math
from pathlib import Path

import pytest
import torch

from modeling.cross_fitting import evaluate_own_calibration
from modeling.dataset import load
from modeling.engine import Engine
from modeling.errors import OperatorError
from modeling.evaluation import Evaluation
from modeling.model_files import load_model, save_model
from modeling.training import EpochReport, TrainingSettings, selection_score, train
from tests.modeling.every_kind import EVERY_KIND
from tests.modeling.examples import write_data

SETTINGS = TrainingSettings(
    name="trial", version="7", epochs=3, batch_rows=8, encoder_rate=3e-3, head_rate=1e-2,
    device="cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), 160, 60)


@pytest.fixture(scope="module")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("small"), 96, 40)


@pytest.fixture(scope="module")
def trained(
    data: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Evaluation, list[EpochReport]]:
    output = tmp_path_factory.mktemp("trained") / "model"
    reports: list[EpochReport] = []
    evaluation = train(
        data,
        output,
        encoder=tiny_model,
        taxonomy=EVERY_KIND,
        settings=SETTINGS,
        progress=reports.append,
    )
    return output, evaluation, reports


def test_training_learns_every_kind_of_label_group(
    trained: tuple[Path, Evaluation, list[EpochReport]],
) -> None:
    _, evaluation, _ = trained
    assert evaluation.groups["keys"]["accuracy"] > 0.9
    assert evaluation.groups["topic"]["accuracy"] > 0.9
    assert evaluation.groups["signs"]["micro_f1"] > 0.9
    assert evaluation.groups["stars"]["mae"] < 0.6


def test_the_returned_figures_are_those_of_the_saved_model(
    data: Path, trained: tuple[Path, Evaluation, list[EpochReport]]
) -> None:
    output, evaluation, _ = trained
    engine = Engine.load(output, "cpu")
    examples = load(data / "validation.jsonl", EVERY_KIND)
    assert evaluate_own_calibration(engine, examples) == evaluation
    assert (engine.name, engine.version) == ("trial", "7")


def test_every_epoch_is_reported_and_the_first_is_the_frozen_encoder(
    trained: tuple[Path, Evaluation, list[EpochReport]],
) -> None:
    _, _, reports = trained
    assert [report.epoch for report in reports] == [0, 1, 2, 3]
    assert math.isnan(reports[0].loss)
    assert reports[3].loss < reports[1].loss


def test_the_best_epoch_is_kept_when_the_last_one_is_ruined(
    small_data: Path, tiny_model: Path, tmp_path: Path
) -> None:
    reports: list[EpochReport] = []
    ruinous = TrainingSettings(epochs=1, encoder_rate=1.0, head_rate=1.0, device="cpu")
    evaluation = train(
        small_data,
        tmp_path / "model",
        encoder=tiny_model,
        taxonomy=EVERY_KIND,
        settings=ruinous,
        progress=reports.append,
    )
    first, last = reports
    assert last.score < first.score - 0.3
    for group, figures in first.evaluation.groups.items():
        # The saved model is in half precision.
        assert evaluation.groups[group] == pytest.approx(figures, abs=0.002)
    assert first.evaluation.groups["keys"]["accuracy"] > 0.9


def test_fine_tuning_helps_where_the_frozen_features_say_little(
    small_data: Path, tiny_model: Path, tmp_path: Path
) -> None:
    dull = load_model(tiny_model)
    with torch.no_grad():
        for name, parameter in dull.network.encoder.named_parameters():
            if name.endswith("output.LayerNorm.weight") and "attention" not in name:
                parameter.mul_(1e-4)
    save_model(tmp_path / "dull", dull, "")
    reports: list[EpochReport] = []
    evaluation = train(
        small_data,
        tmp_path / "model",
        encoder=tmp_path / "dull",
        taxonomy=EVERY_KIND,
        settings=TrainingSettings(
            epochs=3, batch_rows=8, encoder_rate=1e-2, head_rate=1e-2, device="cpu"
        ),
        progress=reports.append,
    )
    assert reports[0].score < 0.5
    assert reports[-1].score > reports[0].score + 0.15
    assert evaluation.cross_fitted is not None
    assert selection_score(evaluation.cross_fitted.means()) == pytest.approx(
        reports[-1].score, abs=0.02
    )


def test_the_epoch_is_chosen_by_the_cross_fitted_figures(
    trained: tuple[Path, Evaluation, list[EpochReport]],
) -> None:
    _, _, reports = trained
    for report in reports:
        assert report.evaluation.cross_fitted is not None
        assert report.score == selection_score(report.evaluation.cross_fitted.means())


def test_the_model_card_tells_the_data_and_the_figures(
    trained: tuple[Path, Evaluation, list[EpochReport]],
) -> None:
    output, evaluation, _ = trained
    card = (output / "README.md").read_text(encoding="utf-8")
    assert "Trained on 160 messages" in card
    assert evaluation.cross_fitted is not None
    in_sample = evaluation.groups["signs"]["macro_f1"]
    cross_fitted = evaluation.cross_fitted.groups["signs"]["macro_f1"]
    assert f"| signs | multilabel | macro_f1 | {in_sample:.3f} | {cross_fitted} |" in card


def test_the_same_seed_gives_the_same_model(data: Path, tiny_model: Path, tmp_path: Path) -> None:
    settings = TrainingSettings(epochs=1, device="cpu")
    for name in ("first", "second"):
        train(data, tmp_path / name, encoder=tiny_model, taxonomy=EVERY_KIND, settings=settings)
    first, second = (load_model(tmp_path / name) for name in ("first", "second"))
    assert first.manifest == second.manifest
    for name, tensor in first.network.state_dict().items():
        assert tensor.equal(second.network.state_dict()[name]), name


def test_texts_are_prepared_before_the_model_reads_them(
    data: Path, tiny_model: Path, tmp_path: Path
) -> None:
    seen: list[str] = []

    def hide(text: str) -> str:
        seen.append(text)
        return "caché"

    settings = TrainingSettings(epochs=0, device="cpu")
    evaluation = train(
        data, tmp_path, encoder=tiny_model, taxonomy=EVERY_KIND, prepare=hide, settings=settings
    )
    assert any("excellent" in text for text in seen)
    assert evaluation.groups["keys"]["accuracy"] < 0.6


def test_missing_data_is_the_operators_to_put_right(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"train\.jsonl"):
        train(tmp_path, tmp_path / "model", encoder=tiny_model, taxonomy=EVERY_KIND)


@pytest.mark.parametrize("place", ["file", "file/model"])
def test_an_unusable_output_is_told_before_the_training(
    small_data: Path, tiny_model: Path, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("")
    reports: list[EpochReport] = []
    with pytest.raises(OperatorError, match="cannot write the model"):
        train(
            small_data,
            tmp_path / place,
            encoder=tiny_model,
            taxonomy=EVERY_KIND,
            progress=reports.append,
        )
    assert reports == []


def test_too_few_validation_messages_are_told_before_the_training(
    tiny_model: Path, tmp_path: Path
) -> None:
    data = write_data(tmp_path / "data", 20, 4)
    with pytest.raises(OperatorError, match=r"validation\.jsonl has 4 messages"):
        train(data, tmp_path / "model", encoder=tiny_model, taxonomy=EVERY_KIND)
