"""`ressenti archive`: tagged messages into PostgreSQL."""

from collections.abc import Sequence

from consumer.settings import ArchiveSettings, load_settings
from ressenti.programs import run_until_stopped, settings_parser, start_logging


def main(arguments: Sequence[str]) -> int:
    """Archives tagged messages until it is told to stop."""
    settings_parser(
        "archive", "Writes tagged messages from Kafka into PostgreSQL.", ArchiveSettings
    ).parse_args(arguments)
    start_logging()
    settings = load_settings(ArchiveSettings)
    from consumer.archive import run_archive

    return run_until_stopped(lambda stop: run_archive(settings, stop))
