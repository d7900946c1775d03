"""The command `ressenti`: finds the subcommand, and tells its errors in one clear line."""

import argparse
import atexit
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from modeling.errors import OperatorError


class Command(NamedTuple):
    """What a subcommand does, and the extra of this distribution that brings what it needs."""

    what: str
    extra: str


COMMANDS = {
    "demo": Command("show the whole of Ressenti at work on this machine", "demo"),
    "tag": Command("the tagger: read messages from Kafka, tag them, publish them", "tagger"),
    "archive": Command("write tagged messages from Kafka into PostgreSQL", "archive"),
    "send": Command("send messages from a JSONL or CSV file into Kafka", "kafka"),
    "score": Command("tag one text, here and now", "tagger"),
    "doctor": Command("check settings, disk, Kafka, PostgreSQL, masking, model", "demo"),
    "train": Command("train a model on labelled messages", "train"),
    "evaluate": Command("measure a model on labelled messages", "train"),
}
INTERRUPTED = 130
OPERATOR_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand and returns the exit code of the process."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="ressenti",
        description="Says how a customer feels, and why.",
        epilog="commands:\n"
        + "\n".join(f"  {name:<10}{command.what}" for name, command in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="ressenti COMMAND [-h] …",
    )
    parser.add_argument("command", choices=COMMANDS, help=argparse.SUPPRESS, metavar="COMMAND")
    if not given:
        parser.print_help()
        return 0
    command = parser.parse_args(given[:1]).command
    try:
        # Only now: the bot's commands must not pay for torch, nor the model's for Kafka.
        code = importlib.import_module(f"ressenti.commands.{command}").main(given[1:])
        sys.stdout.flush()
    except OperatorError as error:
        return _complain(command, str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in {"ressenti", "bot", "consumer", "modeling"}:
            raise
        return _complain(
            command,
            f"the package {error.name} is not installed;"
            f" run: pip install 'ressenti[{COMMANDS[command].extra}]'",
        )
    except BrokenPipeError:  # the reader of our output has seen enough
        _give_output_up()
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _give_output_up()
        where = f" ({error.filename})" if error.filename else ""
        return _complain(command, f"the disk is full{where}; make room and start again")
    return int(code)


def run() -> NoReturn:
    """The command itself: `main`, and then the end of the process.

    A thread that still waits for something, as after an error, must not keep it alive.
    """
    code = main()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _give_output_up() -> None:
    """Python would try to write what is left once more, and complain itself."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(command: str, what: str) -> int:
    print(f"ressenti {command}: {what}", file=sys.stderr)
    return OPERATOR_ERROR
