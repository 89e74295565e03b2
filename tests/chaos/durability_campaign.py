"""`make durability N=500 SEED=1`: jobs through the real SDK, a fault at some step of each.

Covers: the campaign from the command line, with its seed printed; `test_durability` runs a short
one.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from durability_judge import judge
from durability_rig import Rig, wait_for
from durability_scenes import FAULTS, SCENES, draw

from podkeeper.sim.platform.job import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOG_LINES = 60


def say(words: str) -> None:
    """Print a line at once."""
    print(words, flush=True)  # noqa: T201 - a command


class Campaign:
    """Some scenes, one after another."""

    def __init__(self, rig: Rig, say: Callable[[str], None]) -> None:
        self._rig = rig
        self._say = say
        #: Jobs by their scene and prompt.
        self.jobs: dict[str, tuple[str, str]] = {}
        self.complaints: list[str] = []

    def play(self, number: int, name: str) -> None:
        """Do one scene to a job, and wait for the job's end."""
        rig, scene, prompt = self._rig, SCENES[name], f"scene {number}"
        begun_s = time.monotonic()
        rig.wait_for_handler()
        rig.scripts.deeds[prompt] = list(scene.deeds)
        if name in FAULTS:
            rig.fault(**FAULTS[name])
        policy = {"executionTimeout": scene.timeout_ms} if scene.timeout_ms else {}
        with contextlib.ExitStack() as stack:
            if name == "kill before the journal":
                stack.enter_context(rig.locked_journal())
            job_id = rig.client.submit({"prompt": prompt, "steps": 2}, policy=policy).id
            self.jobs[job_id] = name, prompt
            scene.act(rig, job_id, prompt)
        wait_for(lambda: rig.story(job_id)["status"] in TERMINAL, f"the end of {job_id} ({name})")
        # A result that is still on its way would meet the next scene's faults.
        wait_for(
            lambda: not self._is_open(job_id), f"{job_id} to be closed in the journal ({name})"
        )
        self._say(f"{number:4d} {name}: {time.monotonic() - begun_s:.1f} s")
        rig.no_faults()

    def judge(self) -> list[str]:
        """Return what is wrong with the jobs, after a last look at each."""
        found = []
        for job_id, (name, prompt) in self.jobs.items():
            scene = SCENES[name]
            seeds = self._rig.scripts.seeds.get(prompt, [])
            story = self._rig.story(job_id)
            wrong = judge(story, scene.ends, seeds, unanswered=scene.unanswered)
            found += [f"{name}: {each}" for each in wrong]
            if wrong:
                found += [f"    {each}" for each in self._rig.lines if job_id in each]
        return found

    def _is_open(self, job_id: str) -> bool:
        """Return whether the journal still has a job in hand."""
        entry = self._rig.entry(job_id)
        return entry is not None and entry.open


def run(names: Sequence[str], *, late: bool, say: Callable[[str], None]) -> tuple[list[str], str]:
    """Play scenes in a folder of their own; return complaints and a summary.

    Args:
        names: The scenes.
        late: Whether the platform takes a result of a job that it has requeued.
        say: Told each scene as it ends.
    """
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        rig = Rig(Path(folder), accept_late_results=late)
        campaign = Campaign(rig, say)
        complaints: list[str] = []
        try:
            for number, name in enumerate(names, 1):
                campaign.play(number, name)
        except AssertionError as error:
            complaints.append(str(error))
        with contextlib.suppress(OSError):
            complaints += campaign.judge()
        code = rig.close()
        complaints += [f"the handler ended with {code}"] if code else []
        if complaints:
            complaints += ["--- last lines", *rig.lines[-_LOG_LINES:]]
    ends = Counter(SCENES[name].ends for name, _ in campaign.jobs.values())
    attempts = sum(map(len, rig.scripts.seeds.values()))
    summary = (
        f"{len(campaign.jobs)} jobs, {rig.handlers - 1} other handlers, {attempts} attempts, "
        f"{dict(ends)}, {len(complaints)} complaints"
    )
    return complaints, summary


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign; exit code 0 only where nothing is to be complained of."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="number of jobs (500)")
    parser.add_argument("--seed", type=int, help="seed of the plan (a random one)")
    parser.add_argument("--only", action="append", choices=list(SCENES), help="only this scene")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    names = (options.only or []) * options.count if options.only else draw(seed, options.count)
    late = bool(seed % 2)
    taken = "taken" if late else "not taken"
    say(f"{len(names)} jobs, seed {seed}; results of requeued jobs are {taken}")
    begun_s = time.monotonic()
    complaints, summary = run(names, late=late, say=say)
    for each in complaints:
        say(each)
    say(f"{summary} in {time.monotonic() - begun_s:.0f} s")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
