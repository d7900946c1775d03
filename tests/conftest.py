"""What several packages' tests share: a tiny model with random weights."""

import signal
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel

from modeling.model_files import Manifest, Model, save_model
from modeling.network import Network, default_pooling
from modeling.taxonomy import Taxonomy, default_taxonomy
from tests.modeling.neutral import neutral_calibration

# A runner that was itself started in the background, or with nohup, ignores these signals, and so
# would every program that a test starts and then ends by Ctrl-C or by closing its terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

_SENTENCES = (
    "Bonjour, je vous remercie pour votre accueil et votre réponse rapide.",
    "Le site ne fonctionne pas et personne ne répond au téléphone.",
    "J'attends mon remboursement depuis trois mois, c'est inadmissible.",
    "Thank you for your help, the staff was very kind.",
    "The form is too complicated and I was sent from one office to another.",
)


def tiny_tokenizer() -> Tokenizer:
    """A byte-level tokenizer: it can read any text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return tokenizer


def write_tiny_model(directory: Path, taxonomy: Taxonomy) -> Path:
    """Writes a model of two layers with random weights; the same ones every time."""
    torch.manual_seed(0)
    tokenizer = tiny_tokenizer()
    encoder = BertModel(
        BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
            pad_token_id=0,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    pooling = default_pooling(2)
    manifest = Manifest(
        name="tiny",
        version="0",
        text_prefix="",
        max_tokens=64,
        pooling=pooling,
        calibration=neutral_calibration(taxonomy),
    )
    network = Network(encoder, taxonomy, pooling)
    save_model(directory, Model(manifest, taxonomy, tokenizer, network), "# A tiny model\n")
    return directory


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a tiny model with random weights and the default taxonomy."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny", default_taxonomy())
