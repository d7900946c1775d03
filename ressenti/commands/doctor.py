"""`ressenti doctor`: what works here, and what to do about what does not."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from consumer.settings import ArchiveSettings
from ressenti.doctor import Verdict, examine
from ressenti.programs import settings_parser, silence_kafka

PROBLEMS_FOUND = 1
_STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "bold red"}


def main(arguments: Sequence[str]) -> int:
    """Prints one line for each check; the exit code is 1 if there is a problem."""
    settings_parser(
        "doctor", "Checks settings, disk, Kafka, PostgreSQL, masking, model.", ArchiveSettings
    ).parse_args(arguments)
    silence_kafka()
    console = Console(soft_wrap=True)
    problems = 0
    for finding in examine():
        problems += finding.verdict is Verdict.PROBLEM
        line = Text(f"{finding.verdict:<8}", style=_STYLES[finding.verdict])
        console.print(line + Text(f"{finding.subject:<11}{finding.what}", style="default"))
    return PROBLEMS_FOUND if problems else 0
