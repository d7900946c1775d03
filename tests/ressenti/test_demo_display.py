import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from consumer.contracts import GlobalScore, LabelProbability, ModelVersion, Source, TaggedMessage
from ressenti.demo.display import (
    LiveDisplay,
    PlainDisplay,
    labels_of,
    plain_line,
    printable,
    summary_table,
)
from ressenti.demo.progress import Progress, Snapshot


def tagged(text: str, offset: int = 0) -> TaggedMessage:
    return TaggedMessage(
        id=str(offset),
        text=text,
        global_score=GlobalScore(label="S4", score=3.1, probabilities={"S4": 1.0}),
        emotions=[
            LabelProbability(label="E6", probability=0.6),
            LabelProbability(label="E7", probability=0.9),
        ],
        causes=[LabelProbability(label="C4", probability=0.8)],
        confidence=0.9,
        needs_review=False,
        model=ModelVersion(name="m", version="1"),
        source=Source(topic="t", partition=0, offset=offset),
        tagged_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def snapshot(*texts: str) -> Snapshot:
    progress = Progress()
    for offset, text in enumerate(texts):
        progress.on_input((0, offset), produced=9.0)
        progress.on_tagged(tagged(text, offset), published=9.5, now=10.0)
    progress.on_batches(412.3)
    progress.on_sent(7, now=10.0)
    return progress.snapshot(now=10.0)


def test_labels_are_told_by_name_the_likeliest_first() -> None:
    assert labels_of(tagged("x")) == "S4 Negative · Anger, Disappointment · Responsiveness"


def test_a_line_tells_rate_latency_tokens_and_shares() -> None:
    line = plain_line(snapshot("a", "b"))
    assert "sent 7 · tagged 2 · dead letters 0 · archived 0 · 0 messages/s" in line
    assert "p50 500 ms p99 500 ms · 412 tokens per batch · S1 0% S2 0% S3 0% S4 100% S5 0%" in line


def test_a_line_before_the_first_message_tells_only_counts() -> None:
    line = plain_line(Progress().snapshot(now=0.0))
    assert line == "sent 0 · tagged 0 · dead letters 0 · archived 0 · 0 messages/s"


@pytest.mark.parametrize("hostile", ["\x1b[2Jboom", "a\x07b", "\u202eevil", "a\0b", "a\u2028b"])
def test_a_terminal_obeys_no_customer(hostile: str) -> None:
    assert all(sign.isprintable() for sign in printable(tagged(hostile), 40))


def test_a_long_message_is_cut_to_one_line() -> None:
    assert printable(tagged("un\r\n\n  deux " + "x" * 50_000), 10) == "un deux x…"


def test_plain_lines_come_once_in_a_while_and_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = PlainDisplay(every_seconds=3600)
    display.show(snapshot("premier"))
    display.show(snapshot("premier", "second"))
    display.show(snapshot("premier", "second", "troisième"), last=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" · ")[1] for line in lines if line.startswith("sent")] == [
        "tagged 1",
        "tagged 3",
    ]
    assert sum("premier" in line for line in lines) == 1, "a message is shown once"
    assert "troisième" in lines[-2]


def test_the_live_table_shows_messages_as_they_are_written() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=160, height=40)
    with LiveDisplay(console) as display:
        display.show(snapshot("[bold]le prix[/] est de [rouge]"), last=True)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "[bold]le prix[/] est de [rouge]" in shown
    assert "S4 Negative" in shown
    assert "█" in shown


def test_the_summary_has_every_figure() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(
        summary_table(
            {
                "messages": 1249,
                "tagged": 1239,
                "dead_letters": 10,
                "archived": 1239,
                "seconds": 4.321,
                "messages_per_second": 289.1,
                "latency_ms": {"p50": 812.4, "p99": None},
            }
        )
    )
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for figure in ("1,249", "1,239", "10", "4.3", "289.1", "812 ms", "—"):
        assert figure in shown
