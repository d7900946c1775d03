"""How fast each parameter learns, and when."""

import re

from torch import nn

from modeling.network import Network
from modeling.training_settings import TrainingSettings

_LAYER = re.compile(r"\blayers?\.(\d+)\.")


def parameter_groups(
    network: Network, settings: TrainingSettings
) -> list[dict[str, list[nn.Parameter] | float]]:
    """One group of parameters for the optimizer per learning rate and weight decay.

    The heads learn at their own rate, the encoder's last layer at the encoder's, and each layer
    below it more slowly. The embeddings of tokens do not learn: a thousand messages would move
    those of the words that they have, and leave behind those of all others.
    """
    network.freeze_token_embeddings()
    layers: int = network.config.num_hidden_layers
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        decay = settings.weight_decay if parameter.dim() > 1 else 0.0
        rate = settings.head_rate
        if name.startswith("encoder."):
            found = _LAYER.search(name)
            depth = int(found[1]) + 1 if found else 0 if "embedding" in name else layers
            rate = settings.encoder_rate * settings.layer_decay ** (layers - depth)
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def rate_factor(step: int, steps: int, warm_up: float) -> float:
    """What the learning rates are multiplied by: up from zero, then down to zero, straight.

    Args:
        step: 0 for the first.
        steps: how many there will be.
        warm_up: share of the steps that go up.
    """
    rising = max(1, round(steps * warm_up))
    if step < rising:
        return (step + 1) / rising
    return max(0.0, (steps - step) / max(1, steps - rising))
