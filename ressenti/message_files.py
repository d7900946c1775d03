"""Messages in a file, JSONL or CSV, read line by line with a bounded amount of memory."""

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, BinaryIO, Final, NamedTuple

from consumer.contracts import Message, read_message
from modeling.errors import OperatorError

LARGEST_LINE: Final = 8_000_000
"""Bytes; a longer line is not read into memory."""

_LOOKED_AT = 1000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JSONL_ENDINGS = (".jsonl", ".ndjson", ".json")
_CSV_ENDINGS = (".csv", ".tsv")
_METADATA = "metadata."


class Line(NamedTuple):
    """One message of a file, ready for Kafka."""

    number: int
    """Where it begins in the file, from 1."""
    value: bytes
    """The record's value; empty when the line cannot be sent."""
    key: bytes | None = None
    fits: bool = False
    """Whether it fits the contract; the tagger puts what does not with the dead letters."""
    obstacle: str | None = None
    """Why it cannot be sent."""


def read_lines(stream: BinaryIO, name: str) -> Iterator[Line]:
    """Reads the messages of a file, each as soon as it is there.

    A JSONL line is handed on byte by byte as it is; a CSV row becomes a JSON object whose fields
    are named by the header. The key keeps one customer's messages in order: it is the customer,
    or the message's id when no customer is named, or nothing.

    Args:
        stream: the file, at its beginning.
        name: what people call it; its ending tells JSONL from CSV, else its first line does.

    Raises:
        OperatorError: it is not text, or nothing at its beginning is a message.
    """
    first = _first_line(stream, name)
    is_csv = name.endswith(_CSV_ENDINGS) or not (name.endswith(_JSONL_ENDINGS) or _is_json(first))
    lines = _csv_lines(first, stream, name) if is_csv else _jsonl_lines(first, stream)
    beginning: list[Line] = []
    for line in lines:
        beginning.append(line)
        if line.fits:
            return chain(beginning, lines)
        if len(beginning) == _LOOKED_AT:
            break
    wanted = "rows with a text" if is_csv else 'one JSON object with a "text" on each line'
    raise OperatorError(
        f"no message in {name} (the first {len(beginning)} lines were looked at); it needs {wanted}"
    )


def _first_line(stream: BinaryIO, name: str) -> bytes:
    first = stream.readline(LARGEST_LINE).removeprefix(_BYTE_ORDER_MARK)
    if b"\0" in first:
        raise OperatorError(f"{name} is not UTF-8 text; save the messages as JSONL or CSV in UTF-8")
    return first


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _jsonl_lines(first: bytes, stream: BinaryIO) -> Iterator[Line]:
    number, line = 1, first
    while line:
        if not line.endswith(b"\n") and len(line) >= LARGEST_LINE:
            while len(line) >= LARGEST_LINE and not line.endswith(b"\n"):
                line = stream.readline(LARGEST_LINE)
            yield Line(number, b"", obstacle=f"is longer than {LARGEST_LINE:,} bytes")
        elif line.strip():
            yield _checked(number, line.rstrip(b"\r\n"))
        number += 1
        line = stream.readline(LARGEST_LINE)


def _csv_lines(first: bytes, stream: BinaryIO, name: str) -> Iterator[Line]:
    csv.field_size_limit(LARGEST_LINE)
    rows = csv.reader(
        (line.decode() for line in chain([first], _limited_lines(stream))),
        delimiter=max(",;\t", key=lambda mark: first.count(mark.encode())),
    )
    begins = 1
    try:
        header = [_field(cell) for cell in next(rows, [])]
        if "text" not in header and "subject" not in header:
            raise OperatorError(
                f'{name} has no column "text"; its first line must name the columns,'
                " one of them text (a JSONL file has one JSON object on each line)"
            )
        begins = rows.line_num + 1
        for row in rows:
            if len(row) > len(header):
                yield Line(
                    begins, b"", obstacle=f"has {len(row)} cells and the header {len(header)}"
                )
            elif row:
                yield _checked(begins, json.dumps(_from_row(header, row)).encode())
            begins = rows.line_num + 1
    except UnicodeDecodeError as error:
        raise OperatorError(
            f"{name} is not UTF-8 text near line {begins}; save it as CSV in UTF-8, send it again"
        ) from error
    except csv.Error as error:
        raise OperatorError(
            f"{name} is no CSV near line {begins} ({error}); look for a quote that is not closed"
        ) from error


def _limited_lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(LARGEST_LINE):
        yield line


def _field(cell: str) -> str:
    name = cell.strip()
    return name.lower() if name.lower() in Message.model_fields else name


def _from_row(header: Sequence[str], row: Sequence[str]) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for name, cell in zip(header, row, strict=False):
        if name == "text":
            message["text"] = cell
        elif name and cell.strip():
            if name.startswith(_METADATA):
                message.setdefault("metadata", {})[name.removeprefix(_METADATA)] = cell
            else:
                message[name] = cell
    return message


def _checked(number: int, value: bytes) -> Line:
    try:
        message = read_message(value)
    except ValueError:
        return Line(number, value)
    key = message.customer or message.id
    return Line(number, value, key=key.encode() if key else None, fits=True)
