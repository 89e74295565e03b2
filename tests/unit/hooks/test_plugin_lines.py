"""The one stream of whole lines."""

from __future__ import annotations

import math
import re
import time
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from hooks import plugin_lines
from hooks.plugin_lines import LineWriter, split, stamped


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_lines_do_not_depend_on_how_output_is_cut(chunks: list[bytes]) -> None:
    """Output read in any pieces gives the same whole lines."""
    rest, lines = b"", []
    for chunk in chunks:
        found, rest = split(rest + chunk)
        lines += found
    assert (lines, rest) == split(b"".join(chunks))


def test_of_a_progress_bar_the_last_drawing_is_kept() -> None:
    """Carriage returns draw over a line; only what stood there at its end is a line."""
    assert split(b" 10%\r 50%\r100%\ndone\r\n")[0] == [b"100%", b"done"]


def test_a_line_without_end_is_cut() -> None:
    """A program that never ends its line cannot fill our memory."""
    lines, rest = split(b"x" * 100_000)
    assert rest == b""
    assert len(lines[0]) == plugin_lines._LINE_BYTES


def test_a_line_carries_time_and_program() -> None:
    """Each line says when and who, in a form that sorts."""
    line = stamped(b"hello", "webui", 0.25)
    assert line == b"1970-01-01T00:00:00.250Z webui | hello\n"


def output(writer: LineWriter, name: str, data: bytes) -> None:
    """Give a program's output to the writer as supervisord does."""
    process = SimpleNamespace(config=SimpleNamespace(name=name))
    writer._on_output(SimpleNamespace(process=process, channel="stdout", data=data))


def test_while_nobody_reads_the_oldest_lines_go_and_the_loss_is_said() -> None:
    """The buffer is bounded; the number of lost lines is counted and told."""
    writer = LineWriter(math.inf, math.inf)
    for number in range(30_000):
        output(writer, "webui", b"%d %s\n" % (number, b"x" * 50))
    assert writer._waiting_bytes <= plugin_lines._KEPT_BYTES
    assert writer.dropped > 0
    assert f"{writer.dropped} lines dropped".encode() in writer._next()
    assert b" 0 x" not in writer._next()


def test_pieces_are_small_enough_for_a_pipe() -> None:
    """Lines are put together up to what a pipe takes in one step."""
    writer = LineWriter(math.inf, math.inf)
    for _ in range(200):
        output(writer, "webui", b"y" * 60 + b"\n")
    piece = writer._next()
    assert 2000 < len(piece) <= plugin_lines._WRITE_BYTES
    assert re.fullmatch(rb"(\S+Z webui \| y+\n)+", piece)


def test_two_programs_never_share_a_line() -> None:
    """A line that is begun by one program is not ended by another."""
    writer = LineWriter(math.inf, math.inf)
    output(writer, "webui", b"half")
    output(writer, "handler", b"whole\n")
    output(writer, "webui", b" done\n")
    text = writer._next().decode()
    assert [line.split("Z ")[1] for line in text.splitlines()] == [
        "handler | whole",
        "webui | half done",
    ]


def test_an_empty_line_is_no_line() -> None:
    """Blank output is not worth a line in the log."""
    writer = LineWriter(math.inf, math.inf)
    output(writer, "webui", b"\n \n\r\n")
    assert not writer.writable()


def flooded() -> LineWriter:
    """Return a writer to which the WebUI has written ten times its budget in one moment."""
    writer = LineWriter(rate_bytes_per_s=1, burst_bytes=10_000)
    for _ in range(100):
        output(writer, "webui", b"x" * 99 + b"\n" + b"y" * 99 + b"\n" + b"z" * 799 + b"\n")
    return writer


def test_a_flood_is_counted_and_the_others_come_through() -> None:
    """Lines over the budget are not kept; another program's lines are."""
    writer = flooded()
    assert 200 < writer.suppressed < 300
    assert writer._waiting_bytes < 20_000
    output(writer, "handler", b"job done\n")
    assert writer._waiting[-1].endswith(b"handler | job done\n")


def test_once_the_budget_is_back_the_count_is_said() -> None:
    """The announcement comes also where the program has gone quiet."""
    writer = flooded()
    writer._say_all_suppressed(time.monotonic() + 100_000)
    said = writer._waiting[-1].decode()
    assert f"| {writer.suppressed} lines ({writer.suppressed_bytes} bytes) of webui" in said
    assert "more than 1 bytes a second" in said


def test_the_last_lines_of_a_flood_are_kept_for_its_death() -> None:
    """What a program wrote last says why it died, also when it wrote too much."""
    writer = flooded()
    output(writer, "webui", b"z\nCUDA error: an illegal memory access was encountered\n")
    assert b"CUDA error" in writer._tails["webui"][-1]


@given(st.lists(st.binary(max_size=3000), max_size=40))
def test_memory_is_bounded_whatever_is_written(chunks: list[bytes]) -> None:
    """Neither the lines that wait nor a line without end grows beyond its bound."""
    writer = LineWriter(rate_bytes_per_s=1, burst_bytes=4000)
    for chunk in chunks:
        output(writer, "webui", chunk)
    assert writer._waiting_bytes < 4000 * 60
    assert len(writer._rests.get(("webui", "stdout"), b"")) <= plugin_lines._LINE_BYTES
    assert sum(map(len, writer._tails.get("webui", ()))) <= plugin_lines._TAIL_BYTES
