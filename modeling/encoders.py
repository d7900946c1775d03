"""The encoder that a training starts from: a Ressenti model's, or one of transformers'."""

from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModel, PreTrainedModel
from transformers.utils import logging

from modeling.errors import OperatorError
from modeling.model_files import (
    ADVICE,
    CONFIG,
    MANIFEST,
    TOKENIZER,
    WEIGHTS,
    load_model,
    read_config,
    read_tokenizer,
    require_files,
)
from modeling.network import Pooling, default_pooling

_LONGEST = 512


@dataclass(frozen=True, slots=True)
class PretrainedEncoder:
    """An encoder and how it wants its texts.

    Attributes:
        encoder: in single precision, on the CPU.
        tokenizer: its tokenizer.
        text_prefix: what it was trained to read before a text; None when nobody wrote it down.
        max_tokens: longest input, special tokens included.
        pooling: how its token vectors become one vector a text.
    """

    encoder: PreTrainedModel
    tokenizer: Tokenizer
    text_prefix: str | None
    max_tokens: int
    pooling: Pooling


def load_encoder(directory: Path) -> PretrainedEncoder:
    """Reads an encoder.

    Args:
        directory: a Ressenti model, whose heads are left aside, or `config.json`,
            `model.safetensors` and `tokenizer.json` of an encoder.

    Raises:
        OperatorError: it is neither.
    """
    if (directory / MANIFEST).is_file():
        model = load_model(directory)
        encoder = model.network.encoder
        assert isinstance(encoder, PreTrainedModel)
        return PretrainedEncoder(
            encoder=encoder,
            tokenizer=model.tokenizer,
            text_prefix=model.manifest.text_prefix,
            max_tokens=model.manifest.max_tokens,
            pooling=model.manifest.pooling,
        )
    require_files(directory, (CONFIG, WEIGHTS, TOKENIZER))
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    config = read_config(directory)
    # Dropout inside an encoder costs a processor more time than its matrix products, and a
    # thousand messages are read too few times to need it.
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    try:
        found, report = AutoModel.from_pretrained(
            directory,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise OperatorError(f"{directory / WEIGHTS} does not fit {CONFIG}; {ADVICE}") from error
    # transformers fills what the file lacks with random numbers; only the pooler is not needed.
    lacking = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
    if lacking:
        raise OperatorError(
            f"{directory / WEIGHTS} lacks {lacking[0]} and {len(lacking) - 1} more; {ADVICE}"
        )
    positions = getattr(config, "max_position_embeddings", _LONGEST)
    return PretrainedEncoder(
        encoder=found,
        tokenizer=read_tokenizer(directory),
        text_prefix=None,
        max_tokens=min(positions, _LONGEST),
        pooling=default_pooling(config.num_hidden_layers),
    )
