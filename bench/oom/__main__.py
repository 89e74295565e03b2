"""`make bench-oom`: jobs of mixed sizes and families on a card whose true costs nobody knows."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bench.common import report
from bench.common.plot import bars
from bench.oom import stream, truth
from bench.oom.sides import RESERVE_BYTES, SIDES, End, Podkeeper, Side
from podkeeper.policy import calibration
from podkeeper.policy.estimate import Estimator
from podkeeper.policy.vram_cost import model_of
from podkeeper.settings import vram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.oom.stream import Job
    from bench.oom.truth import Card, Luck
    from podkeeper.model.vram import VramTable

#: Cards in GiB; the smaller ones run SDXL with --medvram-sdxl.
CARDS = ((8, True), (12, True), (24, False))
WARM_UP = 100
LOST, OOM_PERCENT, IMAGES_PERCENT = 0, 0.1, 90.0
_HOUR_S = 3600


@dataclass
class Tally:
    """What became of the jobs of one side on one card, over all streams."""

    side: str
    card_gib: int
    jobs: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    #: Jobs that ran out after the warm-up, of each stream.
    late: list[int] = field(default_factory=list)

    def add(self, end: End, *, possible: bool, late: bool) -> None:
        """Count one job."""
        self.jobs += 1
        self.seconds += end.took_s
        ran_out = end.ooms > 0
        self.counts.update(
            images=end.images,
            lost=possible and not end.images,
            refused=end.refused,
            ooms=ran_out,
            late_jobs=late,
            late_ooms=late and ran_out,
            late_sure=late and ran_out and end.sure,
            degraded=end.degraded,
        )
        self.late[-1] += late and ran_out

    @property
    def oom_percent(self) -> float:
        """Return the share of the jobs after the warm-up that ran out at least once."""
        return 100 * self.counts["late_ooms"] / max(1, self.counts["late_jobs"])

    @property
    def per_hour(self) -> float:
        """Return images per hour."""
        return self.counts["images"] / self.seconds * _HOUR_S if self.seconds else 0.0


def is_possible(card: Card, job: Job, luck: Luck) -> bool:
    """Return whether the card can make a job one image at a time, luck of an attempt aside."""
    single = replace(job.work, batch=1)
    forms = (single, replace(single, together=False))
    return any(card.fits(job.family, form, luck, None) for form in forms)


def admitted(table: VramTable, card: Card, gib: int) -> Callable[[Job], bool]:
    """Return what lets through the jobs that `podkeeper vram` says fit such a card."""
    rules = table.calibration
    known = {
        name: Estimator(model_of(table, name, card.server(name)), calibration.cold(rules), rules)
        for name in table.family
    }
    room = gib * truth.GIB - truth.OTHERS_BYTES - RESERVE_BYTES
    return lambda job: known[job.family].fits(replace(job.work, batch=1), room)


def run(
    table: VramTable, kind: type[Side], gib: int, seed: int, options: argparse.Namespace
) -> Iterator[tuple[int, End, bool]]:
    """Yield number, end and possibility of each job of a stream; the same jobs for every side."""
    medvram = dict(CARDS)[gib]
    card = truth.Card(table, gib * truth.GIB, seed, medvram=medvram)
    side = kind(table, card)
    allowed = admitted(table, card, gib)
    draw = random.Random(-seed - 1)  # noqa: S311 - a simulation
    jobs = stream.jobs(draw, options.jobs, allowed, options.unlimited)
    for number, job in enumerate(jobs):
        luck = card.luck()
        yield number, side.run(job, luck), is_possible(card, job, luck)


def measure(options: argparse.Namespace) -> list[Tally]:
    """Return what became of every side on every card."""
    table, tallies = vram.read(), []
    for gib, _ in CARDS:
        for kind in SIDES:
            tally = Tally(kind.name, gib)
            for seed in range(options.streams):
                tally.late.append(0)
                for number, end, possible in run(table, kind, gib, seed, options):
                    tally.add(end, possible=possible, late=number >= WARM_UP)
            tallies.append(tally)
    return tallies


def _oracle(tallies: Sequence[Tally], gib: int) -> Tally:
    return next(each for each in tallies if (each.side, each.card_gib) == ("oracle", gib))


def show(tallies: Sequence[Tally]) -> str:
    """Return the table."""
    head = ["jobs on a card", "lost", "refused", "ran out", "late %", "in doubt", "images/h", "%"]
    rows = []
    for each in tallies:
        share = 100 * each.per_hour / _oracle(tallies, each.card_gib).per_hour
        counts = each.counts
        in_doubt = counts["late_ooms"] - counts["late_sure"]
        rows.append(
            [
                f"{each.card_gib} GB, {each.side}",
                *(f"{counts[name]}" for name in ("lost", "refused", "ooms")),
                *(f"{each.oom_percent:.3f}", f"{in_doubt}", f"{each.per_hour:.0f}"),
                f"{share:.1f}",
            ]
        )
    return report.table(head, rows)


def targets_of(tallies: Sequence[Tally]) -> list[report.Target]:
    """Return podkeeper's targets."""
    targets = []
    for ours in (each for each in tallies if each.side == Podkeeper.name):
        gib = ours.card_gib
        share = 100 * ours.per_hour / _oracle(tallies, gib).per_hour
        name = f"oom {gib} GB"
        targets += [
            report.Target(f"{name} lost", ours.counts["lost"], LOST, "jobs"),
            report.Target(f"{name} jobs", ours.oom_percent, OOM_PERCENT, "%"),
            report.Target(
                f"{name} images of the oracle's", share, IMAGES_PERCENT, "%", at_least=True
            ),
        ]
    return targets


def result_of(
    tallies: Sequence[Tally], options: argparse.Namespace, took_s: float
) -> dict[str, Any]:
    """Return everything that was counted."""
    rows = [
        {
            "side": each.side,
            "card_gib": each.card_gib,
            "jobs": each.jobs,
            "seconds": each.seconds,
            **each.counts,
            "oom_percent": each.oom_percent,
            "images_per_hour": each.per_hour,
            "late_ooms_of_streams": each.late,
        }
        for each in tallies
    ]
    setting = {name: getattr(options, name) for name in ("jobs", "streams", "unlimited")}
    return report.frame(what="planning by memory, simulated", took_s=took_s, rows=rows, **setting)


def draw(tallies: Sequence[Tally]) -> None:
    """Draw lost jobs, jobs that ran out, and images against the oracle's."""
    panels: list[tuple[str, float | None, list[tuple[str, float]]]] = []
    for gib, _ in CARDS:
        own = [each for each in tallies if each.card_gib == gib]
        best = _oracle(tallies, gib).per_hour
        lost = [(each.side, 1000 * each.counts["lost"] / each.jobs) for each in own]
        ran_out = [(each.side, each.oom_percent) for each in own]
        images = [(each.side, 100 * each.per_hour / best) for each in own]
        panels += [
            (f"{gib} GB: jobs lost of 1,000", None, lost),
            (f"{gib} GB: % of jobs that ran out after the first {WARM_UP}", OOM_PERCENT, ran_out),
            (f"{gib} GB: images per hour, % of the oracle's", None, images),
        ]
    path = report.results_path("oom.svg")
    bars(path, "Planning by memory on simulated cards", panels, Podkeeper.name)


def main() -> int:
    """Simulate, show, judge."""
    parser = argparse.ArgumentParser(prog="bench.oom", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000, help="of each stream (default: 2000)")
    parser.add_argument("--streams", type=int, default=20, help="cards of each size (default: 20)")
    parser.add_argument(
        "--unlimited",
        type=float,
        default=stream.UNLIMITED,
        help=f"share of jobs beyond what the card is meant for (default: {stream.UNLIMITED})",
    )
    options = parser.parse_args()
    begun_s = time.monotonic()
    tallies = measure(options)
    took_s = time.monotonic() - begun_s
    print(f"{options.streams} streams of {options.jobs} jobs on each card, {took_s:.0f} s\n")
    print(show(tallies))
    draw(tallies)
    return report.finish("oom", result_of(tallies, options, took_s), targets_of(tallies))


if __name__ == "__main__":
    sys.exit(main())
