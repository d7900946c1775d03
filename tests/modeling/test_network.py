import pytest
import torch
from torch.nn import functional

from modeling.model_files import load_model
from modeling.network import Network, Pooling, combined_loss, default_pooling, pool
from tests.modeling.every_kind import EVERY_KIND, write_every_kind_model


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return load_model(write_every_kind_model(tmp_path_factory.mktemp("model"))).network


def test_pooling_is_the_mean_then_the_maximum_of_the_layers_mean_and_skips_padding() -> None:
    first = torch.tensor([[[1.0, 4.0], [3.0, 0.0], [99.0, 99.0]]])
    second = torch.tensor([[[3.0, 0.0], [5.0, 2.0], [-99.0, 99.0]]])
    mask = torch.tensor([[1, 1, 0]])
    pooled = pool([torch.zeros(1, 3, 2), first, second], mask, Pooling(layers=(1, 2)))
    assert pooled.tolist() == [[3.0, 1.5, 4.0, 2.0]]


@pytest.mark.parametrize(("layers", "pooled"), [(12, (8, 10, 12)), (2, (1, 2)), (1, (1,))])
def test_three_of_the_upper_layers_are_pooled(layers: int, pooled: tuple[int, ...]) -> None:
    assert default_pooling(layers).layers == pooled


def test_every_group_has_outputs_for_its_labels(network: Network) -> None:
    ids = torch.randint(3, 100, (2, 7))
    outputs = network(ids, torch.ones_like(ids))
    shapes = {name: tuple(values.shape) for name, values in outputs.items()}
    assert shapes == {"keys": (2, 3), "topic": (2, 2), "signs": (2, 3), "stars": (2, 1)}
    assert {values.dtype for values in outputs.values()} == {torch.float32}


def test_what_stands_in_the_padding_does_not_matter(network: Network) -> None:
    ids = torch.randint(3, 100, (1, 9))
    mask = torch.tensor([[1] * 6 + [0] * 3])
    other = ids.clone()
    other[:, 6:] = 7
    with torch.inference_mode():
        for name, values in network(ids, mask).items():
            assert torch.allclose(values, network(other, mask)[name], atol=1e-5)


def test_standardised_features_are_what_the_heads_read(network: Network) -> None:
    features = torch.randn(5, 64) * 3.0 + 10.0
    expected = {
        name: values.detach() for name, values in network.answers((features - 10.0) / 3.0).items()
    }
    network.standardise(torch.full((64,), 10.0), torch.full((64,), 3.0))
    try:
        for name, values in network.answers(features).items():
            assert torch.allclose(values, expected[name], atol=1e-4)
    finally:
        network.standardise(torch.zeros(64), torch.ones(64))


def test_the_combined_loss_is_the_weighted_sum_of_each_kinds_own() -> None:
    outputs = {
        "keys": torch.randn(2, 3),
        "topic": torch.randn(2, 2),
        "signs": torch.randn(2, 3),
        "stars": torch.tensor([[1.0], [4.0]]),
    }
    targets = {
        "keys": torch.tensor([0, 2]),
        "topic": torch.tensor([1, 0]),
        "signs": torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]),
        "stars": torch.tensor([2.0, 4.0]),
    }
    expected = (
        0.7 * functional.cross_entropy(outputs["keys"], targets["keys"])
        + 0.7 * functional.cross_entropy(outputs["topic"], targets["topic"])
        + 9.0 * functional.binary_cross_entropy_with_logits(outputs["signs"], targets["signs"])
        + 2.0 * 0.5
    )
    weights = {"signs": 9.0, "stars": 2.0}
    loss = combined_loss(outputs, targets, EVERY_KIND, weights, {"signs": torch.ones(3)})
    assert loss == pytest.approx(float(expected))


def test_a_label_that_counts_more_where_it_holds_still_learns_its_true_odds() -> None:
    held = torch.tensor([1.0] * 10 + [0.0] * 90)[:, None].expand(100, 3)
    rest = {"keys": torch.zeros(100, 3), "topic": torch.zeros(100, 2), "stars": torch.zeros(100, 1)}
    zeros = torch.zeros(100, dtype=torch.long)
    targets = {"keys": zeros, "topic": zeros, "signs": held, "stars": torch.zeros(100)}
    output = torch.zeros(1, 3, requires_grad=True)
    optimizer = torch.optim.LBFGS([output], max_iter=50)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        outputs = rest | {"signs": output.expand(100, 3)}
        weights = {"signs": torch.tensor([1.0, 3.0, 9.0])}
        loss = combined_loss(outputs, targets, EVERY_KIND, {}, weights)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    assert torch.sigmoid(output.detach())[0].tolist() == pytest.approx([0.1] * 3, abs=1e-3)


def test_frozen_token_embeddings_do_not_learn(network: Network) -> None:
    network.freeze_token_embeddings()
    frozen = [name for name, each in network.named_parameters() if not each.requires_grad]
    assert frozen == ["encoder.embeddings.word_embeddings.weight"]
