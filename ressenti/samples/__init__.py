"""Messages of our own writing, invented from beginning to end, hostile and malformed ones too."""

from pathlib import Path
from typing import Final

SAMPLE_MESSAGES: Final = Path(__file__).with_name("messages.jsonl")
