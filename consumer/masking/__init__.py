"""Masks personal data in messages: patterns with checksums, name cues and a model of names."""

from consumer.masking.masker import Masker

__all__ = ["Masker"]
