import math
from pathlib import Path

import pytest

from modeling.dataset import load
from modeling.engine import Engine
from modeling.errors import OperatorError
from modeling.evaluation import Evaluation, evaluate
from modeling.model_files import load_model
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
    again = evaluate(engine, load(data / "validation.jsonl", EVERY_KIND))
    assert again == evaluation
    assert (engine.name, engine.version) == ("trial", "7")


def test_every_epoch_is_reported_and_the_first_is_the_frozen_encoder(
    trained: tuple[Path, Evaluation, list[EpochReport]],
) -> None:
    _, _, reports = trained
    assert [report.epoch for report in reports] == [0, 1, 2, 3]
    assert math.isnan(reports[0].loss)
    assert reports[3].loss < reports[1].loss


def test_the_best_epoch_is_kept(trained: tuple[Path, Evaluation, list[EpochReport]]) -> None:
    _, evaluation, reports = trained
    # The saved model is in half precision: a figure may move by a message.
    best = max(report.score for report in reports)
    assert selection_score(evaluation) == pytest.approx(best, abs=0.03)


def test_the_model_card_tells_the_data_and_the_figures(
    trained: tuple[Path, Evaluation, list[EpochReport]],
) -> None:
    output, evaluation, _ = trained
    card = (output / "README.md").read_text(encoding="utf-8")
    assert "Trained on 160 messages" in card
    assert f"| keys | ordinal | accuracy | {evaluation.groups['keys']['accuracy']:.3f} |" in card


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
