"""`make bench-enforce`: from the crossing of a memory limit to the program's end."""

from __future__ import annotations

import argparse
import statistics
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
from bench.enforce import phases
from bench.enforce.floor import floor_ms
from bench.enforce.peers.base import LIMIT_MIB, TAKEN_MIB, Peer
from bench.enforce.peers.circus import Circus
from bench.enforce.peers.listeners import Memmon, Memmon60, SupervisorChecks
from bench.enforce.peers.monit import Monit
from bench.enforce.peers.pm2 import Pm2
from bench.enforce.peers.podkeeper import Podkeeper
from bench.enforce.trials import Subject, round_of

if TYPE_CHECKING:
    from collections.abc import Sequence

PEERS: tuple[type[Peer], ...] = (
    Podkeeper,
    Pm2,
    Monit,
    Circus,
    SupervisorChecks,
    Memmon,
    Memmon60,
)
MEDIAN_MS, P99_MS = 100.0, 300.0
_FLOOR_TRIALS = 10
WHAT = f"{TAKEN_MIB} MiB taken over a limit of {LIMIT_MIB} MiB: crossing to end, ms"


def measure(peers: Sequence[Peer], trials: int) -> list[Subject]:
    """Return the subjects after that many rounds."""
    subjects = [Subject(peer) for peer in peers]
    with ExitStack() as stack:
        for peer in peers:
            peer.start()
            stack.callback(peer.stop)
        for subject in subjects:
            wait_for(subject.settled, f"{subject.peer.name} to start", 90)
        for number in range(trials):
            round_of(subjects)
            print(f"\rround {number + 1} of {trials}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return subjects


def _is_ours(subject: Subject) -> bool:
    return subject.peer.name == Podkeeper.name


def show(subjects: Sequence[Subject]) -> str:
    """Return the table: median, p99 and the median's ratio to podkeeper's."""
    ours = [statistics.median(s.took_ms) for s in subjects if _is_ours(s) and s.trials]
    rows = []
    for subject in subjects:
        if not subject.trials:
            rows.append([subject.peer.name, "-", "-", "-"])
            continue
        took = figures.summary(subject.took_ms)
        ratio = f"{took['median'] / ours[0]:.1f}" if ours else "-"
        rows.append([subject.peer.name, f"{took['median']:.1f}", f"{took['p99']:.1f}", ratio])
    return report.table(["limit crossed to program gone, ms", "median", "p99", "ratio"], rows)


def targets_of(subjects: Sequence[Subject]) -> list[report.Target]:
    """Return podkeeper's targets."""
    targets = []
    for subject in filter(_is_ours, subjects):
        if subject.lost or not subject.trials:
            return []
        took = figures.summary(subject.took_ms)
        for word, bound in (("median", MEDIAN_MS), ("p99", P99_MS)):
            targets.append(report.Target(f"enforce {word}", took[word], bound, "ms"))
    return targets


def result_of(subjects: Sequence[Subject], **more: Any) -> dict[str, Any]:
    """Return everything that was measured."""
    rows = [
        {
            "peer": each.peer.name,
            "setting": each.peer.setting,
            **(figures.summary(each.took_ms) if each.trials else {}),
            "lost": each.lost,
            "took_ms": each.took_ms,
        }
        for each in subjects
    ]
    return report.frame(what=WHAT, rows=rows, **more)


def main() -> int:
    """Measure, show, judge."""
    parser = argparse.ArgumentParser(prog="bench.enforce", description=__doc__)
    parser.add_argument("--trials", type=int, default=30, help="crossings of each (default: 30)")
    parser.add_argument("--only", nargs="*", default=[], help="names of the supervisors to run")
    options = parser.parse_args()
    found: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory(prefix="pkb-", dir="/tmp") as name:
        folder = Path(name)
        program = compiled(folder, Path(__file__).with_name("hog.c"))
        peers, missing = take_part(PEERS, options.only, folder, program)
        try:
            floor = [floor_ms(folder / f"floor{n}", program) for n in range(_FLOOR_TRIALS)]
            subjects = measure(peers, options.trials)
            for subject in filter(_is_ours, subjects):
                found = phases.phases_ms(subject.peer.folder, subject.trials)
        except BaseException:
            for peer in peers:
                print(f"--- {peer.name} ---\n{peer.log()}", file=sys.stderr)
            raise
        finally:
            kill_all_of(program)
    missing += [f"{each.peer.name}: {each.lost}" for each in subjects if each.lost]
    for peer in peers:
        print(f"{peer.name}: {peer.setting}")
    print("\n".join(["", show(subjects), *missing]))
    print(f"the kernel's own part, from SIGKILL to gone: {statistics.median(floor):.1f} ms")
    if found:
        print(phases.sentence(found))
    rows = [(each.peer.name, each.took_ms, _is_ours(each)) for each in subjects if each.trials]
    strips(report.results_path("enforce.svg"), WHAT, rows, bound=MEDIAN_MS)
    result = result_of(subjects, missing=missing, floor_ms=floor, phases_ms=found)
    return report.finish("enforce", result, targets_of(subjects))


if __name__ == "__main__":
    sys.exit(main())
