"""How much RAM does a WebUI need for a model, and while it switches to one?

Covers: what stays (the server itself, weights that wait in RAM, the copies that LoRAs make) and the
peak of a switch, which reads the new file before the old weights go. Without a GPU all weights are
in RAM, in full precision.
Leaves out: what it uses now, which is measured (`podkeeper.probes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podkeeper.model.vram import Family, RamTerms


def settled_bytes(family: Family, terms: RamTerms, *, in_ram: bool, loras: bool) -> float:
    """Return what stays in RAM with a model loaded.

    Args:
        family: The model's family, with the sizes of its parts in half precision.
        terms: The constants.
        in_ram: Whether the weights wait in RAM, as with medvram.
        loras: Whether a LoRA has been used with it.
    """
    weights = family.weights_bytes if in_ram else 0
    copies = terms.lora_copies * (family.unet_bytes + family.text_bytes) if loras else 0
    return float(terms.base_bytes + weights + copies)


def on_cpu_bytes(family: Family, terms: RamTerms) -> float:
    """Return what stays in RAM where there is no GPU."""
    return terms.base_bytes + terms.cpu_ratio * family.weights_bytes


def switch_peak_bytes(before_bytes: float, file_bytes: float, terms: RamTerms) -> float:
    """Return the peak of switching to a checkpoint file, from what is in RAM before it."""
    return before_bytes + terms.switch_ratio * file_bytes
