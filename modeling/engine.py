"""Texts in, taggings out, on one device."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch

from modeling.batches import pad
from modeling.calibration import Array, taggings
from modeling.devices import has_quick_bfloat16, resolve_device
from modeling.errors import OperatorError
from modeling.model_files import Model, load_model
from modeling.tagging import Tagging
from modeling.tokenization import Encoding, MessageTokenizer

__all__ = ["Encoding", "Engine", "starter_directory"]


def starter_directory() -> Path:
    """The directory of the model that ships with Ressenti."""
    return Path(__file__).parent / "starter"


class Engine:
    """A model on a device.

    `tokenize` may be called from any thread; `tag` and `warm_up` from one thread at a time.

    Attributes:
        name: the model's name.
        version: the model's version.
        taxonomy: the label groups that it answers.
        calibration: turns its raw outputs into taggings.
        device: where it runs, such as `cpu` or `cuda:0`.
        max_tokens: longest input, special tokens included.
    """

    def __init__(self, model: Model, device: str = "auto") -> None:
        target = resolve_device(device)
        self.name = model.manifest.name
        self.version = model.manifest.version
        self.taxonomy = model.taxonomy
        self.device = str(target)
        self.max_tokens = model.manifest.max_tokens
        self.calibration = model.manifest.calibration
        self._tokenizer = MessageTokenizer(
            model.tokenizer, model.manifest.text_prefix, self.max_tokens
        )
        self._device = target
        self._network = model.network.eval().to(target)
        if has_quick_bfloat16(target):
            # The heads stay in single precision: their outputs are what gets calibrated.
            self._network.encoder.to(torch.bfloat16)

    @classmethod
    def load(cls, directory: Path, device: str = "auto") -> Self:
        """Loads a model's directory onto a device.

        Args:
            directory: as `modeling.model_files` describes it.
            device: `auto` (CUDA where there is one, else the CPU), `cpu`, `cuda` or `cuda:N`.

        Raises:
            OperatorError: the directory is absent, incomplete, corrupt or of a newer format, or
                the device is not there.
        """
        return cls(load_model(directory), device)

    def tokenize(self, texts: Sequence[str]) -> list[Encoding]:
        """Token ids of composed texts (`modeling.inputs.compose`), each at most `max_tokens`.

        Of a longer text the head and the tail are kept.
        """
        return self._tokenizer.tokenize(texts)

    def tag(self, encodings: Sequence[Encoding]) -> list[Tagging]:
        """Runs one padded batch; the taggings are in the order of the encodings.

        Raises:
            FloatingPointError: the model gave a number that is not finite.
            torch.OutOfMemoryError: the batch does not fit into the device's memory.
        """
        if not encodings:
            return []
        return taggings(self.taxonomy, self.calibration, self.outputs(encodings))

    @torch.inference_mode()
    def outputs(self, encodings: Sequence[Encoding]) -> dict[str, Array]:
        """The heads' raw outputs of one padded batch, by group, messages x outputs.

        Args:
            encodings: at least one.

        Raises:
            torch.OutOfMemoryError: the batch does not fit into the device's memory.
        """
        ids, mask = pad(encodings, self._network.padding_id)
        outputs = self._network(ids.to(self._device), mask.to(self._device))
        return {name: values.double().cpu().numpy() for name, values in outputs.items()}

    def warm_up(self, token_budget: int) -> None:
        """Runs the largest batch that will come, so that the first real one is not slow.

        Args:
            token_budget: padded tokens of the largest batch.

        Raises:
            OperatorError: such a batch does not fit into the device's memory.
        """
        filler = self._tokenizer.tokenize([""])[0]
        longest = (filler * self.max_tokens)[: self.max_tokens]
        try:
            self.tag([longest] * max(1, token_budget // self.max_tokens))
        except torch.OutOfMemoryError as error:
            raise OperatorError(
                f"a batch of {token_budget} tokens does not fit into the memory of {self.device};"
                " lower the token budget"
            ) from error
        self.tag([filler])
