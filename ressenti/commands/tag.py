"""`ressenti tag`: the tagger."""

from collections.abc import Sequence

from consumer.settings import TaggerSettings, load_settings
from ressenti.programs import run_until_stopped, settings_parser, start_logging


def main(arguments: Sequence[str]) -> int:
    """Tags messages until it is told to stop."""
    settings_parser(
        "tag", "Reads messages from Kafka, tags them, publishes them.", TaggerSettings
    ).parse_args(arguments)
    start_logging()
    settings = load_settings(TaggerSettings)
    from consumer.tagger import run_tagger

    return run_until_stopped(lambda stop: run_tagger(settings, stop))
