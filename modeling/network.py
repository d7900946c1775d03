"""One encoder, one linear head per label group, and the loss that joins them."""

from collections.abc import Mapping, Sequence

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedModel

from modeling.taxonomy import Kind, LabelGroup, Taxonomy

# The mean binary cross-entropy of a multilabel group is several times smaller than a softmax
# group's cross-entropy; the weights bring both to the same size.
DEFAULT_LOSS_WEIGHTS: Mapping[Kind, float] = {
    Kind.ORDINAL: 0.7,
    Kind.MULTICLASS: 0.7,
    Kind.MULTILABEL: 4.0,
    Kind.REGRESSION: 0.7,
}


class Pooling(BaseModel):
    """How token vectors become one vector a text: its layers' mean, pooled by mean and maximum.

    Attributes:
        layers: which layers are averaged; 0 is the embedding layer, 1 the first layer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: tuple[int, ...] = Field(min_length=1)


def default_pooling(layers: int) -> Pooling:
    """Three layers of an encoder that has `layers`: the last, and those at 2/3 and 5/6 of it."""
    return Pooling(layers=tuple(sorted({round(layers * part / 6) for part in (4, 5, 6)})))


def output_count(group: LabelGroup) -> int:
    """How many numbers a group's head gives."""
    return 1 if group.kind is Kind.REGRESSION else len(group.labels)


def pool(hidden_states: Sequence[Tensor], attention_mask: Tensor, pooling: Pooling) -> Tensor:
    """Pools token vectors into one vector a text, in single precision.

    Args:
        hidden_states: the embeddings' and each layer's output, each batch x tokens x width.
        attention_mask: 1 for a token and 0 for padding, batch x tokens.
        pooling: which layers.

    Returns:
        batch x (2 x width): the mean over tokens, then the maximum over tokens.
    """
    tokens = torch.stack([hidden_states[layer].float() for layer in pooling.layers]).mean(0)
    present = attention_mask.bool().unsqueeze(-1)
    mean = (tokens * present).sum(1) / present.sum(1)
    maximum = tokens.masked_fill(~present, float("-inf")).amax(1)
    return torch.cat((mean, maximum), dim=1)


class Network(nn.Module):
    """The encoder and the heads of a taxonomy.

    Args:
        encoder: any encoder of transformers that gives hidden states.
        taxonomy: decides the heads.
        pooling: how token vectors become one vector a text.
        dropout: share of pooled features dropped before the heads while training.
    """

    def __init__(
        self,
        encoder: PreTrainedModel,
        taxonomy: Taxonomy,
        pooling: Pooling,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        # Some encoders add a classification pooler that nothing here reads.
        if getattr(encoder, "pooler", None) is not None:
            encoder.register_module("pooler", None)
        self.config: PreTrainedConfig = encoder.config
        self.encoder: nn.Module = encoder
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        width = 2 * self.config.hidden_size
        # Pooled features are large and close to one another: without standardisation dropout
        # would be noise, and the heads would learn slowly.
        self.feature_mean: Tensor
        self.feature_spread: Tensor
        self.register_buffer("feature_mean", torch.zeros(width))
        self.register_buffer("feature_spread", torch.ones(width))
        self.heads = nn.ModuleDict(
            {head_key(group): nn.Linear(width, output_count(group)) for group in taxonomy.groups}
        )
        self._groups = taxonomy.groups

    @property
    def padding_id(self) -> int:
        """What fills the end of the shorter rows of a batch."""
        return self.config.pad_token_id or 0

    def standardise(self, mean: Tensor, spread: Tensor) -> None:
        """Sets what is taken from pooled features, and what they are then divided by."""
        self.feature_mean.copy_(mean)
        self.feature_spread.copy_(spread)

    def freeze_token_embeddings(self) -> None:
        """Keeps the embeddings of tokens out of training."""
        assert isinstance(self.encoder, PreTrainedModel)
        self.encoder.get_input_embeddings().requires_grad_(False)

    def features(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The pooled vector of each text, batch x (2 x width), in single precision."""
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
        ).hidden_states
        with torch.autocast(input_ids.device.type, enabled=False):
            return pool(states, attention_mask, self.pooling)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Raw outputs by group's name, each batch x outputs, in single precision.

        Args:
            input_ids: batch x tokens.
            attention_mask: 1 for a token and 0 for padding, batch x tokens.
        """
        return self.answers(self.features(input_ids, attention_mask))

    def answers(self, features: Tensor) -> dict[str, Tensor]:
        """Raw outputs by group's name of pooled vectors, batch x (2 x width)."""
        dropped = self.dropout((features - self.feature_mean) / self.feature_spread)
        with torch.autocast(features.device.type, enabled=False):
            return {group.name: self.heads[head_key(group)](dropped) for group in self._groups}


def head_key(group: LabelGroup) -> str:
    """The head's name among the weights.

    The suffix keeps a group that is called `items` or `keys` apart from the container's methods.
    """
    return f"{group.name}_head"


def combined_loss(
    outputs: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    taxonomy: Taxonomy,
    weights: Mapping[str, float],
    positive_weights: Mapping[str, Tensor],
) -> Tensor:
    """The weighted sum of the groups' losses.

    Cross-entropy for ordinal and multiclass groups, mean binary cross-entropy over labels for
    multilabel groups, mean squared error for regressions.

    Args:
        outputs: raw outputs by group, batch x outputs.
        targets: by group: class numbers (batch), zeros and ones (batch x labels), or values
            (batch).
        taxonomy: the groups.
        weights: by group's name; a group without one has its kind's default.
        positive_weights: by multilabel group's name, how many times more a label counts where it
            holds, one a label.
    """
    total = torch.zeros((), device=next(iter(outputs.values())).device)
    for group in taxonomy.groups:
        weight = weights.get(group.name, DEFAULT_LOSS_WEIGHTS[group.kind])
        mine = outputs[group.name]
        if group.kind is Kind.MULTILABEL:
            # Weighting alone would teach odds that are too high by that weight: it is given to
            # the outputs beforehand, so that they stay the true odds.
            more = positive_weights[group.name]
            loss = functional.binary_cross_entropy_with_logits(
                mine + more.log(), targets[group.name], pos_weight=more
            )
        elif group.kind is Kind.REGRESSION:
            loss = functional.mse_loss(mine[:, 0], targets[group.name])
        else:
            loss = functional.cross_entropy(mine, targets[group.name])
        total = total + weight * loss
    return total
