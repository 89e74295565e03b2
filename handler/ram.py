"""How much of the machine's RAM may a job make the WebUI take?

Covers: from a job and its model to the peak by the declared constants. It is told to the client,
with a word where loading a checkpoint may take more than the keeper allows. Pure.
Leaves out: the constants (`conf/vram.toml`), enforcing the limit, which is the keeper's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from podkeeper.policy import ram_cost
from podkeeper.units import format_size

if TYPE_CHECKING:
    from handler.checkpoints import Checkpoint
    from podkeeper.model.vram import RamTerms
    from podkeeper.policy.vram_cost import Model, Workload


class Ram(NamedTuple):
    """What a job may take, and what the WebUI may have; in bytes."""

    planned_bytes: int
    #: None where no limit is enforced.
    limit_bytes: int | None
    #: Whether the job makes the WebUI load a checkpoint.
    loads: bool

    @property
    def warning(self) -> str | None:
        """Return what the client should know, if anything."""
        if not self.loads or self.limit_bytes is None or self.planned_bytes <= self.limit_bytes:
            return None
        need, have = format_size(self.planned_bytes), format_size(self.limit_bytes)
        return (
            f"loading this checkpoint may take {need} of RAM: above {have} the WebUI is restarted"
        )


def planned_bytes(
    model: Model, work: Workload, switched_to: Checkpoint | None, terms: RamTerms, *, on_card: bool
) -> int:
    """Return the peak of RAM that a job may bring about.

    Args:
        model: What it runs with.
        work: The job.
        switched_to: The checkpoint it makes the WebUI load; None where that is loaded already.
        terms: The constants.
        on_card: Whether the WebUI computes on a card.
    """
    in_ram = model.server.medvram
    settled = ram_cost.settled_bytes(model.family, terms, in_ram=in_ram, loras=work.loras > 0)
    if not on_card:
        settled += ram_cost.on_cpu_bytes(model.family, terms) - terms.base_bytes
    if switched_to is None:
        return int(settled)
    file_bytes = switched_to.file_bytes or model.family.weights_bytes
    return int(ram_cost.switch_peak_bytes(settled, file_bytes, terms))
