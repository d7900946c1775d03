"""`ressenti send`: the messages of a file into Kafka."""

import argparse
from collections.abc import Sequence

from ressenti.programs import silence_kafka


def main(arguments: Sequence[str]) -> int:
    """Sends a file and says what became of its messages."""
    parser = argparse.ArgumentParser(
        prog="ressenti send",
        description="Sends messages to the input topic. Messages of one customer stay in order."
        " What does not fit the contract is sent too, and named: it becomes a dead letter.",
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="JSONL, each line sent as it is; or CSV in UTF-8 whose first line names the fields,"
        " text among them; - for standard input",
    )
    given = parser.parse_args(arguments)
    from ressenti.send import run_send

    silence_kafka()
    return run_send(given.file)
