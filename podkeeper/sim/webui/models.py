"""Which checkpoint is loaded, and what does loading one cost?

Covers: the load at start, switching, taking the weights off the card and back.
Leaves out: which checkpoints there are (`catalogue`).
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from podkeeper.sim.webui.catalogue import CHECKPOINTS, Checkpoint, find_checkpoint
from podkeeper.sim.webui.errors import SafetensorError
from podkeeper.sim.webui.vram import SD15

if TYPE_CHECKING:
    from podkeeper.settings.sim_webui import SimWebUISettings
    from podkeeper.sim.webui.card import Card
    from podkeeper.sim.webui.options import Options
    from podkeeper.sim.webui.ram import Ram

_log = logging.getLogger("sim.webui")


class Models:
    """The loaded checkpoint. Everything that loads waits for a load that is under way."""

    def __init__(self, settings: SimWebUISettings, options: Options, card: Card, ram: Ram) -> None:
        self._settings = settings
        self._options = options
        self._card = card
        self._ram = ram
        self._loading = threading.RLock()
        self.loaded: Checkpoint | None = None
        #: Whether the weights are on the card; taking them off frees no RAM.
        self.on_card = False
        self.loads = 0
        #: What is kept in RAM beside it, the newest first, where the options allow more than one.
        self.spare: list[Checkpoint] = []
        self.loaded_at_s: float | None = None

    def chosen(self) -> Checkpoint:
        """Return the checkpoint that the options name, or the first where they name none."""
        return find_checkpoint(self._options["sd_model_checkpoint"]) or CHECKPOINTS[0]

    def start(self, factor: float = 1.0) -> threading.Thread:
        """Load the chosen checkpoint in the background and return the thread that does."""
        self._options.set("sd_model_checkpoint", f"{self.chosen().model_name}.safetensors")
        thread = threading.Thread(target=self.ready, args=(factor,), daemon=True)
        thread.start()
        return thread

    def ready(self, factor: float = 1.0) -> Checkpoint:
        """Return the chosen checkpoint once it is loaded.

        Raises:
            SafetensorError: Its file is corrupt; the loaded one stays.
        """
        with self._loading:
            wanted = self.chosen()
            if self.loaded != wanted:
                self._load(wanted, factor)
            return wanted

    @property
    def loading(self) -> bool:
        """Return whether a load is under way."""
        if self._loading.acquire(blocking=False):
            self._loading.release()
            return False
        return True

    def drop_spare(self) -> list[Checkpoint]:
        """Give up what is kept beside the loaded checkpoint, and return it."""
        with self._loading:
            dropped, self.spare = self.spare, []
            for each in dropped:
                self._ram.release(each.model_name)
            return dropped

    def _load(self, wanted: Checkpoint, factor: float) -> None:
        if wanted.broken:
            raise SafetensorError("Error while deserializing header: HeaderTooLarge")
        if wanted in self.spare:
            self.spare.remove(wanted)
            self._ram.keep(wanted.model_name, "loading")
        else:
            self._read(wanted, factor)
        self._options.set("sd_model_checkpoint", wanted.title)
        self._set_aside()
        self._ram.keep("loading", "checkpoint")
        self._card.hold_weights(wanted.family.weights_bytes)
        self.loaded, self.on_card = wanted, True
        self.loads += 1
        self.loaded_at_s = time.monotonic()
        self._options.set("sd_checkpoint_hash", wanted.sha256)

    def _set_aside(self) -> None:
        """Keep the loaded checkpoint in RAM as far as the options allow more than one."""
        most = int(self._options["sd_checkpoints_limit"]) - 1
        if self.loaded is not None and most > 0:
            self._ram.keep("checkpoint", self.loaded.model_name)
            self.spare.insert(0, self.loaded)
        for each in self.spare[max(most, 0) :]:
            self._ram.release(each.model_name)
            self.spare.remove(each)

    def _read(self, wanted: Checkpoint, factor: float) -> None:
        size_ratio = wanted.family.weights_bytes / SD15.weights_bytes
        began_at_s = time.monotonic()
        # The new weights are read before the old ones go: the peak of a switch holds both.
        self._ram.hold("loading", int(self._settings.checkpoint_ram_bytes * size_ratio))
        time.sleep(self._settings.load_s * size_ratio * factor / 2)
        self._options.set("sd_model_checkpoint", wanted.title)
        time.sleep(self._settings.load_s * size_ratio * factor / 2)
        _log.info("loaded %s in %.1f s", wanted.title, time.monotonic() - began_at_s)

    def unload(self) -> None:
        """Take the weights off the card. The RAM stays, as it does in 1.10.1."""
        with self._loading:
            if self.loaded is not None:
                self._card.hold_weights(0)
                self.on_card = False

    def reload(self) -> None:
        """Put the weights back on the card."""
        with self._loading:
            if self.loaded is not None and not self.on_card:
                self._card.hold_weights(self.loaded.family.weights_bytes)
                self.on_card = True
