"""`make bench-restart`: from SIGKILL to the next life's first instruction, in milliseconds."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.common import figures, report
from bench.common.peer import take_part
from bench.common.plot import strips
from bench.common.program import compiled
from bench.common.running import kill_all_of, wait_for
from bench.restart.peers.base import FORMS, Peer
from bench.restart.peers.circus import Circus
from bench.restart.peers.monit import Monit
from bench.restart.peers.pm2 import Pm2
from bench.restart.peers.podkeeper import Podkeeper
from bench.restart.peers.runit import Runit
from bench.restart.peers.s6 import S6
from bench.restart.peers.supervisord import Supervisord
from bench.restart.trials import Subject, round_of

if TYPE_CHECKING:
    from collections.abc import Sequence

PEERS: tuple[type[Peer], ...] = (Podkeeper, Supervisord, Runit, S6, Monit, Circus, Pm2)
MEDIAN_MS, P99_MS = 25.0, 60.0


def measure(peers: Sequence[Peer], trials: int) -> list[Subject]:
    """Return the subjects after that many rounds."""
    subjects = [Subject(peer, form) for peer in peers for form in FORMS]
    with ExitStack() as stack:
        for peer in peers:
            peer.start()
            stack.callback(peer.stop)
        for subject in subjects:
            wait_for(subject.starts, f"{subject.peer.name} to start {subject.form}", 90)
        for number in range(trials):
            round_of(subjects)
            print(f"\rround {number + 1} of {trials}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return subjects


def show(subjects: Sequence[Subject]) -> str:
    """Return the table: median and p99 of each, and the median's ratio to podkeeper's."""
    ours = {s.form: figures.summary(s.took_ms)["median"] for s in subjects if _is_ours(s)}
    rows = []
    for name in dict.fromkeys(each.peer.name for each in subjects):
        cells = [name]
        for subject in subjects:
            if subject.peer.name == name and not subject.took_ms:
                cells += ["never", "-"]
            elif subject.peer.name == name:
                took = figures.summary(subject.took_ms)
                ratio = f"{took['median'] / ours[subject.form]:.2f}" if ours else "-"
                cells += [f"{took['median']:.1f} / {took['p99']:.1f}", ratio]
        rows.append(cells)
    head = ["death to alive, ms: median / p99"]
    for form in FORMS:
        head += [form, "ratio"]
    return report.table(head, rows)


def _is_ours(subject: Subject) -> bool:
    return subject.peer.name == Podkeeper.name


def targets_of(subjects: Sequence[Subject]) -> list[report.Target]:
    """Return podkeeper's targets."""
    targets = []
    for subject in filter(_is_ours, subjects):
        if subject.lost:
            return []
        took = figures.summary(subject.took_ms)
        for word, bound in (("median", MEDIAN_MS), ("p99", P99_MS)):
            name = f"restart {subject.form} {word}"
            targets.append(report.Target(name, took[word], bound, "ms"))
    return targets


def result_of(subjects: Sequence[Subject], missing: list[str]) -> dict[str, Any]:
    """Return everything that was measured."""
    rows = [
        {
            "peer": each.peer.name,
            "setting": each.peer.setting,
            "form": each.form,
            **(figures.summary(each.took_ms) if each.took_ms else {}),
            "lost": each.lost,
            "took_ms": each.took_ms,
        }
        for each in subjects
    ]
    return report.frame(what="SIGKILL to the next life's first act, ms", missing=missing, rows=rows)


def main() -> int:
    """Measure, show, judge."""
    parser = argparse.ArgumentParser(prog="bench.restart", description=__doc__)
    parser.add_argument("--trials", type=int, default=50, help="deaths of each (default: 50)")
    parser.add_argument("--only", nargs="*", default=[], help="names of the supervisors to run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pkb-", dir="/tmp") as name:
        folder = Path(name)
        program = compiled(folder)
        peers, missing = take_part(PEERS, options.only, folder, program)
        try:
            subjects = measure(peers, options.trials)
        except BaseException:
            for peer in peers:
                print(f"--- {peer.name} ---\n{peer.log()}", file=sys.stderr)
            raise
        finally:
            kill_all_of(program)
    missing += [f"{s.peer.name} {s.form} never came back" for s in subjects if s.lost]
    for peer in peers:
        print(f"{peer.name}: {peer.setting}")
    print("\n".join(["", show(subjects), *missing]))
    result = result_of(subjects, missing)
    rows = [(f"{s.peer.name} {s.form}", s.took_ms, _is_ours(s)) for s in subjects if s.took_ms]
    title = "From SIGKILL to the next life, ms"
    strips(report.results_path("restart.svg"), title, rows, bound=MEDIAN_MS)
    return report.finish("restart", result, targets_of(subjects))


if __name__ == "__main__":
    sys.exit(main())
