"""`ressenti demo`: the whole of Ressenti at work on this machine."""

import argparse
from collections.abc import Sequence

from ressenti.programs import silence_kafka


def main(arguments: Sequence[str]) -> int:
    """Starts everything, sends messages, shows them being tagged, and ends everything."""
    parser = argparse.ArgumentParser(
        prog="ressenti demo",
        description="Starts a broker, a database, the tagger and the archive, sends messages,"
        " and shows them being tagged. The last line is one JSON object.",
    )
    parser.add_argument(
        "--broker",
        default="embedded",
        help="embedded (the default), apache (needs Java 17 and Maven), or a running Kafka's"
        " host:port",
    )
    parser.add_argument(
        "--messages",
        metavar="FILE",
        help="JSONL or CSV, - for standard input; default: sample messages",
    )
    given = parser.parse_args(arguments)
    from ressenti.demo import run_demo

    silence_kafka()
    return run_demo(given.broker, given.messages)
