"""`make chaos N=200 SEED=1`: a campaign from the command line, with its seed and plan printed."""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from campaign import Campaign, Outcome
from faults import Fault, draw, from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOG_LINES = 80


def say(words: str) -> None:
    """Print a line at once."""
    print(words, flush=True)  # noqa: T201 - a command


def run(faults: Sequence[Fault], bound_s: float) -> Outcome:
    """Run one campaign in a folder of its own and return what came of it."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        return Campaign(Path(folder), bound_s, say).run(faults)


def tell(outcome: Outcome, origin: str, faults: Sequence[Fault]) -> str:
    """Return all that is needed to understand a failure and to do it again."""
    incidents = [
        f"{each.id} {each.program} (pid {each.pid}) {each.cause}: {each.sentence}"
        for each in reversed(outcome.incidents)
    ]
    parts = {
        f"the campaign failed; {origin}": outcome.complaints,
        "plan (for --replay)": to_text(faults).splitlines(),
        "blows": [str(each) for each in outcome.blows],
        "incidents": incidents,
        "last lines": outcome.log.splitlines()[-_LOG_LINES:],
    }
    return "\n".join(f"--- {title}\n" + "\n".join(lines) for title, lines in parts.items())


def summary(outcome: Outcome, faults: int, spent_s: float) -> str:
    """Return a campaign's figures in a line."""
    back = sorted(outcome.recoveries_s) or [0.0]
    return (
        f"{faults} faults in {spent_s:.0f} s, {len(outcome.blows)} blows, "
        f"{len(outcome.incidents)} incidents; back after {statistics.median(back):.2f} s median, "
        f"{back[-1]:.2f} s at most; jobs {outcome.jobs}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign; exit code 0 only where nothing is to be complained of."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="number of faults (200)")
    parser.add_argument("--seed", type=int, help="seed of the plan (a random one)")
    parser.add_argument("--replay", type=Path, help="file with a plan, as a failing run prints it")
    parser.add_argument(
        "--bound", type=float, default=60.0, help="seconds to the steady state (60)"
    )
    parser.add_argument("--log", type=Path, help="where to keep the worker's log")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    faults = from_text(options.replay.read_text()) if options.replay else draw(seed, options.count)
    origin = f"plan of {options.replay}" if options.replay else f"seed {seed}"
    say(f"{len(faults)} faults, {origin}")
    begun_s = time.monotonic()
    outcome = run(faults, options.bound)
    if options.log:
        options.log.write_text(outcome.log)
    if outcome.complaints:
        say(tell(outcome, origin, faults))
    say(summary(outcome, len(faults), time.monotonic() - begun_s))
    return 1 if outcome.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
