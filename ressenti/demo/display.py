"""What the demo shows: a live table in a terminal, plain lines elsewhere, a summary at the end."""

import functools
import time
from collections.abc import Sequence
from typing import Any, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from consumer.contracts import LabelProbability, TaggedMessage
from modeling.taxonomy import LabelGroup, default_taxonomy
from ressenti.demo.progress import Snapshot

_BAR_CELLS = 24
_PLAIN_TEXT_CELLS = 70
_PLAIN_MESSAGES = 2
_COLORS = ("green", "green3", "grey70", "orange3", "red")


class Display(Protocol):
    """Shows where things stand, as often as it is told."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def say(self, line: str) -> None:
        """Shows a line that stays."""
        ...

    def show(self, snapshot: Snapshot, last: bool = False) -> None:
        """Shows where the messages stand now, or in the end."""
        ...


class LiveDisplay:
    """One table that changes in place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=5, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, line: str) -> None:
        """Shows a line above the table."""
        self._console.print(line, markup=False, highlight=False)

    def show(self, snapshot: Snapshot, last: bool = False) -> None:
        """Draws the table anew; the last one stays."""
        if last:
            self._live.transient = False
        self._live.update(_table(snapshot))


class PlainDisplay:
    """Lines, about one a second, for a log or a pipe."""

    def __init__(self, every_seconds: float = 1.0) -> None:
        self._every_seconds = every_seconds
        self._shown = float("-inf")
        self._newest: TaggedMessage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to tidy up."""

    def say(self, line: str) -> None:
        """Prints a line."""
        print(line, flush=True)

    def show(self, snapshot: Snapshot, last: bool = False) -> None:
        """Prints where the messages stand, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._shown < self._every_seconds and not last:
            return
        self._shown = now
        print(plain_line(snapshot))
        for message in _newer(snapshot.latest, self._newest)[:_PLAIN_MESSAGES]:
            print(f"    {labels_of(message)}: {printable(message, _PLAIN_TEXT_CELLS)}")
        self._newest = next(iter(snapshot.latest), None)
        # A pipe is written in blocks otherwise, and the reader would see nothing for long.
        print(end="", flush=True)


def plain_line(snapshot: Snapshot) -> str:
    """Where the messages stand, in one line."""
    tokens = snapshot.tokens_per_batch
    parts = [
        f"sent {snapshot.sent}",
        f"tagged {snapshot.tagged}",
        f"dead letters {snapshot.dead_letters}",
        f"archived {snapshot.archived}",
        f"{snapshot.rate:.0f} messages/s",
        _latency(snapshot.latency_ms),
        f"{tokens:.0f} tokens per batch" if tokens is not None else "",
        " ".join(f"{code} {share:.0%}" for code, _, share in _shares(snapshot)),
    ]
    return " · ".join(part for part in parts if part)


def summary_table(summary: dict[str, Any]) -> Table:
    """The whole run in figures."""
    table = Table(title="Every message has arrived", show_header=False)
    for name in ("messages", "tagged", "dead_letters", "archived"):
        table.add_row(name.replace("_", " "), f"{summary[name]:,}")
    table.add_row("seconds", f"{summary['seconds']:.1f}")
    table.add_row("messages per second", str(summary["messages_per_second"]))
    for name, value in summary["latency_ms"].items():
        table.add_row(f"latency {name}", "—" if value is None else f"{value:,.0f} ms")
    return table


def labels_of(message: TaggedMessage) -> str:
    """A tagged message's labels by name: global score · emotions · causes."""
    score = message.global_score.label
    parts = [f"{score} {_name('global_score', score)}"]
    for group, labels in (("emotions", message.emotions), ("causes", message.causes)):
        if labels:
            parts.append(", ".join(_name(group, label.label) for label in _likeliest(labels)))
    return " · ".join(parts)


def printable(message: TaggedMessage, cells: int) -> str:
    """A tagged message's masked words on one line, without what a terminal would obey."""
    words = " ".join((message.text or message.subject or "").split())
    words = "".join(sign if sign.isprintable() else "·" for sign in words[: cells * 2])
    text = Text(words)
    text.truncate(cells, overflow="ellipsis")
    return text.plain


def _table(snapshot: Snapshot) -> RenderableType:
    figures = Table.grid(padding=(0, 4, 0, 0))
    for _ in range(4):
        figures.add_column()
    figures.add_row(
        f"sent [bold]{snapshot.sent:,}[/]",
        f"tagged [bold]{snapshot.tagged:,}[/]",
        f"dead letters [bold]{snapshot.dead_letters:,}[/]",
        f"archived [bold]{snapshot.archived:,}[/]",
    )
    tokens = snapshot.tokens_per_batch
    figures.add_row(
        f"[bold]{snapshot.rate:,.0f}[/] messages/s",
        _latency(snapshot.latency_ms),
        "" if tokens is None else f"{tokens:,.0f} tokens per batch",
        "",
    )
    bars = Table.grid(padding=(0, 2, 0, 0))
    for (code, name, share), color in zip(_shares(snapshot), _COLORS, strict=False):
        filled = round(share * _BAR_CELLS)
        bars.add_row(f"{code} {name}", f"[{color}]{'█' * filled}[/]", f"{share:.0%}")
    messages = Table(expand=True, box=None, show_header=False)
    messages.add_column(ratio=2)
    messages.add_column(ratio=3, no_wrap=True, overflow="ellipsis")
    for message in snapshot.latest:
        messages.add_row(labels_of(message), Text(printable(message, 200)))
    return Group(figures, Text(), bars, Text(), messages)


def _latency(latency_ms: dict[str, float | None]) -> str:
    return " ".join(
        f"{name} {value:,.0f} ms" for name, value in latency_ms.items() if value is not None
    )


def _shares(snapshot: Snapshot) -> list[tuple[str, str, float]]:
    """Code, name and share of every global score; none before the first tagged message."""
    counted = sum(snapshot.scores.values())
    if not counted:
        return []
    return [
        (label.code, label.en, snapshot.scores.get(label.code, 0) / counted)
        for label in _group("global_score").labels
    ]


def _newer(latest: Sequence[TaggedMessage], known: TaggedMessage | None) -> Sequence[TaggedMessage]:
    return latest[: latest.index(known)] if known in latest else latest


def _likeliest(labels: Sequence[LabelProbability]) -> Sequence[LabelProbability]:
    return sorted(labels, key=lambda label: label.probability, reverse=True)[:3]


@functools.cache
def _group(name: str) -> LabelGroup:
    return default_taxonomy().group(name)


def _name(group: str, code: str) -> str:
    names = {label.code: label.en for label in _group(group).labels}
    return names.get(code, code)
