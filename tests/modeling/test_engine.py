import json
import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modeling.engine import Engine
from modeling.errors import OperatorError
from modeling.tagging import Tagging
from modeling.taxonomy import Taxonomy
from tests.modeling.every_kind import EVERY_KIND, write_every_kind_model

TEXTS = [
    "Merci pour votre aide, tout est réglé.",
    "Le site ne fonctionne pas et personne ne répond au téléphone depuis trois mois.",
    "ok",
    "",
    "😀😀😀",
    "Ask the office again, please. " * 40,
]


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Engine:
    return Engine.load(tiny_model, "cpu")


def probabilities(tagging: Tagging) -> list[float]:
    return [value for group in tagging.groups.values() for value in group.probabilities]


def test_a_tagging_has_every_group_with_a_probability_for_every_label(engine: Engine) -> None:
    for tagging in engine.tag(engine.tokenize(TEXTS)):
        assert list(tagging.groups) == [group.name for group in engine.taxonomy.groups]
        for group in engine.taxonomy.groups:
            assert len(tagging.groups[group.name].probabilities) == len(group.labels)
        assert all(0.0 <= value <= 1.0 for value in probabilities(tagging))
        assert 0.0 <= tagging.confidence <= 1.0


def test_a_text_is_tagged_the_same_whatever_its_neighbours_in_the_batch(engine: Engine) -> None:
    encodings = engine.tokenize(TEXTS)
    together = engine.tag(encodings)
    for encoding, among_others in zip(encodings, together, strict=True):
        (alone,) = engine.tag([encoding])
        assert probabilities(among_others) == pytest.approx(probabilities(alone), abs=0.01)


def test_taggings_come_in_the_order_of_the_encodings(engine: Engine) -> None:
    encodings = engine.tokenize(TEXTS)
    forwards = engine.tag(encodings)
    backwards = engine.tag(encodings[::-1])[::-1]
    for one, other in zip(forwards, backwards, strict=True):
        assert probabilities(one) == pytest.approx(probabilities(other), abs=0.01)
    assert probabilities(forwards[0]) != pytest.approx(probabilities(forwards[1]), abs=1e-4)


def test_an_empty_batch_gives_no_tagging(engine: Engine) -> None:
    assert engine.tag([]) == []


def test_a_text_at_the_length_limit_is_tagged(engine: Engine) -> None:
    (encoding,) = engine.tokenize(["bonjour " * 10_000])
    assert len(encoding) == engine.max_tokens
    assert all(math.isfinite(value) for value in probabilities(engine.tag([encoding])[0]))


@settings(max_examples=30, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_can_be_tagged(engine: Engine, text: str) -> None:
    (encoding,) = engine.tokenize([text])
    assert 0 < len(encoding) <= engine.max_tokens
    assert all(0.0 <= value <= 1.0 for value in probabilities(engine.tag([encoding])[0]))


def test_threads_may_tokenize_at_the_same_time(engine: Engine) -> None:
    expected = engine.tokenize(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(engine.tokenize, [TEXTS] * 20):
            assert found == expected


def test_every_kind_of_label_group_is_answered(tmp_path: Path) -> None:
    engine = Engine.load(write_every_kind_model(tmp_path / "model"), "cpu")
    (tagging,) = engine.tag(engine.tokenize(["Merci, c'est parfait."]))
    ordinal, multiclass = tagging.groups["keys"], tagging.groups["topic"]
    multilabel, regression = tagging.groups["signs"], tagging.groups["stars"]
    assert sum(ordinal.probabilities) == pytest.approx(1.0)
    expected = sum(step * value for step, value in enumerate(ordinal.probabilities))
    assert ordinal.score == pytest.approx(expected)
    assert len(ordinal.labels) == len(multiclass.labels) == 1
    assert multiclass.score is None
    held = [value >= 0.5 for value in multilabel.probabilities]
    codes = EVERY_KIND.group("signs").codes
    assert multilabel.labels == tuple(c for c, holds in zip(codes, held, strict=True) if holds)
    assert (regression.labels, regression.probabilities) == ((), ())
    assert regression.score is not None
    assert math.isfinite(regression.score)


def test_warming_up_runs_a_batch_of_the_whole_budget(engine: Engine) -> None:
    engine.warm_up(4 * engine.max_tokens)
    engine.warm_up(1)


def test_a_number_that_is_not_finite_is_an_error_not_a_tagging(tiny_model: Path) -> None:
    engine = Engine.load(tiny_model, "cpu")
    with torch.no_grad():
        for parameter in engine._network.heads.parameters():
            parameter.fill_(math.nan)
    with pytest.raises(FloatingPointError):
        engine.tag(engine.tokenize(["bonjour"]))


def test_engine_carries_the_name_and_version_of_the_model(engine: Engine, tiny_model: Path) -> None:
    manifest = json.loads((tiny_model / "ressenti.json").read_text())
    assert (engine.name, engine.version) == (manifest["name"], manifest["version"])
    assert engine.device == "cpu"
    assert isinstance(engine.taxonomy, Taxonomy)


@pytest.mark.parametrize("device", ["gpu", "mps", "cuda:99"])
def test_a_device_that_is_not_there_is_the_operators_to_put_right(
    tiny_model: Path, device: str
) -> None:
    with pytest.raises(OperatorError, match="use auto"):
        Engine.load(tiny_model, device)


def test_a_model_that_was_moved_works_without_its_old_directory(
    tiny_model: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copie d'été"
    shutil.copytree(tiny_model, copy)
    assert len(Engine.load(copy, "cpu").tokenize(["bonjour"])) == 1
