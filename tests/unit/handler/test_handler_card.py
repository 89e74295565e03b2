"""What a card, a checkpoint and its peaks tell the memory estimate, and what is kept of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fitting_standin import TABLE

from handler import card, checkpoints
from handler.calibrations import Calibrations
from handler.card import Reading
from handler.checkpoints import Checkpoint, Checkpoints
from podkeeper.policy import calibration
from podkeeper.policy.batch_plan import Room
from podkeeper.policy.calibration import Measured
from podkeeper.policy.families import Parameters
from podkeeper.policy.vram_cost import Server, Workload, model_of
from podkeeper.units import Amount

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20

A1111 = {
    "ram": {},
    "cuda": {
        "system": {"free": 6e9, "used": 2e9, "total": 8e9},
        "reserved": {"current": 1_000, "peak": 3_000},
        "events": {"retries": 1, "oom": 2},
    },
}
OURS = {
    "device": {"free_bytes": 6_000, "total_bytes": 8_000},
    "torch": {"reserved_bytes": 1_000, "ooms": 2},
    "jobs": {"ended": 4, "last": {"reserved_peak_bytes": 2_500}},
}


def test_a_card_is_read_from_either_answer() -> None:
    """A1111 tells a record of its process, the extension the last job's peak and its number."""
    assert card.of_memory(A1111) == Reading(8 * 10**9, 6 * 10**9, 1_000, 3_000, 2)
    assert card.of_extension(OURS) == Reading(8_000, 6_000, 1_000, 2_500, 2, 4)


@pytest.mark.parametrize(
    "answer",
    [None, [], {"cuda": {"error": "unavailable"}}, {"device": None}, {"cuda": {"system": 7}}],
)
def test_without_a_card_nothing_is_read(answer: object) -> None:
    """A WebUI on a processor, an answer of something else, a null: unknown."""
    assert card.of_memory(answer) is None
    assert card.of_extension(answer) is None


def test_an_extension_that_has_seen_no_job_knows_no_peak() -> None:
    """What is null in an answer is unknown, and the rest is still read."""
    reading = card.of_extension({**OURS, "jobs": {"ended": 0, "last": None}})
    assert reading is not None
    assert (reading.peak_bytes, reading.jobs) == (None, 0)


def test_the_limit_is_what_is_free_and_what_is_ours() -> None:
    """Others' memory and the reserve are off limits, the weights that are loaded are not."""
    reading = Reading(
        total_bytes=8_000, free_bytes=5_000, reserved_bytes=2_000, peak_bytes=None, ooms=None
    )
    reserve = Amount(size_bytes=256)
    assert card.room(reading, 600, reserve) == Room(7_344, 7_600)
    fresh = replace(reading, free_bytes=7_900, reserved_bytes=0)
    assert card.room(fresh, 600, reserve) == Room(7_744, 8_000)
    assert card.room(fresh, 600, Amount(ratio=0.5)) == Room(4_000, 8_000)


BEFORE = Reading(8_000, 5_000, 1_000, 3_000, 0)


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (BEFORE, replace(BEFORE, peak_bytes=3_500), Measured(3_600.0, exact=True)),
        (BEFORE, BEFORE, Measured(3_100.0, exact=False)),
        (None, BEFORE, Measured(3_100.0, exact=False)),
        (replace(BEFORE, peak_bytes=9, jobs=4), BEFORE, Measured(3_100.0, exact=False)),
        (BEFORE, None, None),
        (BEFORE, replace(BEFORE, peak_bytes=None), None),
        (replace(BEFORE, jobs=4), replace(BEFORE, jobs=5), Measured(3_100.0, exact=True)),
        (replace(BEFORE, jobs=4), replace(BEFORE, jobs=4), None),
        (replace(BEFORE, jobs=4), replace(BEFORE, jobs=6), None),
        (None, replace(BEFORE, jobs=5), None),
    ],
)
def test_two_readings_tell_the_peak_between_them(
    before: Reading | None, after: Reading | None, wanted: Measured | None
) -> None:
    """A raised record and the last of exactly one more job are exact; all else is less."""
    assert card.measured(before, after, context_bytes=100) == wanted


def checkpoint_file(folder: Path, name: str, shapes: dict[str, list[int]]) -> Path:
    """Write the head of a checkpoint."""
    table = {
        key: {"dtype": "F16", "shape": shape, "data_offsets": [0, 0]}
        for key, shape in shapes.items()
    }
    head = json.dumps({"__metadata__": {"format": "pt"}, **table}).encode()
    path = folder / name
    path.write_bytes(len(head).to_bytes(8, "little") + head)
    return path


def test_a_checkpoints_head_tells_its_family_and_size(tmp_path: Path) -> None:
    """Whatever its name, the tensors in the file count; parts that it lacks stay as declared."""
    path = checkpoint_file(
        tmp_path,
        "v1-5-pruned.safetensors",
        {"model.diffusion_model.a": [10, 10], "conditioner.embedders.1.b": [5]},
    )
    known = Checkpoints("sd15").of({"filename": str(path)}, None)
    assert known == Checkpoint("sdxl", Parameters(100, 5, 0), path.stat().st_size)
    family = checkpoints.sized(TABLE.family["sdxl"], known)
    assert (family.unet_bytes, family.text_bytes) == (200, 10)
    assert family.vae_bytes == TABLE.family["sdxl"].vae_bytes


@pytest.mark.parametrize(
    ("name", "content", "family"),
    [
        ("sd_xl_base.safetensors", b"\xff" * 16, "sdxl"),
        ("mix.safetensors", b"\x05\0\0\0\0\0\0\0nojso", "sd21"),
        ("mix.safetensors", b"", "sd21"),
        ("mix.safetensors", b"\x02\0\0\0\0\0\0\0[]", "sd21"),
        ("v1-5.ckpt", b"pickle", "sd15"),
    ],
)
def test_a_file_that_tells_nothing_is_taken_by_its_name(
    tmp_path: Path, name: str, content: bytes, family: str
) -> None:
    """A broken head or another format leaves the name, and that failing the setting."""
    path = tmp_path / name
    path.write_bytes(content)
    known = Checkpoints("sd21").of({"filename": str(path)}, None)
    assert (known.family, known.parameters) == (family, None)
    assert checkpoints.sized(TABLE.family["sdxl"], known) == TABLE.family["sdxl"]


def test_a_file_that_is_not_here_is_taken_by_its_name() -> None:
    """The WebUI may see other disks than the handler does."""
    known = Checkpoints("sd15")
    assert known.of({"filename": "/elsewhere/ponyXL.safetensors"}, None) == Checkpoint("sdxl")
    assert known.of(None, "mix.safetensors") == Checkpoint("sd15")
    assert known.of(None, None) == Checkpoint("sd15")


@pytest.mark.parametrize("name", ["a.safetensors [12]", "a", "a.safetensors", "12", "1234", "t"])
def test_a_checkpoint_is_found_by_every_name_it_goes_by(name: str) -> None:
    """Title, short title, name, file and hashes lead to the same entry."""
    entry = {
        "title": "a.safetensors [12]",
        "model_name": "a",
        "hash": "12",
        "sha256": "1234",
        "filename": "/m/a.safetensors",
    }
    found = checkpoints.find([{"title": "other"}, entry], name)
    assert found is (None if name == "t" else entry)
    assert checkpoints.find([entry], None) is None


def kept(folder: Path) -> Calibrations:
    """Return what is kept in a folder."""
    return Calibrations(folder / "memory.json", TABLE.calibration, 0.95)


def taught(known: Calibrations, name: str, limit_bytes: int) -> calibration.Calibration:
    """Return what is known after one measured peak."""
    peaks = model_of(TABLE, "sd15", Server()).peaks(Workload(512, 512))
    measured = Measured(4e9, exact=True)
    return known.change(
        name,
        lambda state: calibration.fitted(state, peaks, measured, limit_bytes, TABLE.calibration),
    )


def test_what_is_known_outlives_the_handler(tmp_path: Path) -> None:
    """A second handler reads what the first has written, where it applies."""
    cold = calibration.cold(TABLE.calibration)
    state = taught(kept(tmp_path), "way", 8_000 * MIB)
    assert kept(tmp_path).of("way", 8_000 * MIB) == state
    assert kept(tmp_path).of("way", 7_000 * MIB) == cold
    assert kept(tmp_path).of("way", None) == state
    assert kept(tmp_path).of("other way", 8_000 * MIB) == cold


def test_what_was_found_to_apply_is_not_dropped_when_others_take_memory(tmp_path: Path) -> None:
    """Only the first limit of a start is compared; later ones come and go with other programs."""
    known = kept(tmp_path)
    state = taught(known, "way", 8_000 * MIB)
    assert known.of("way", 4_000 * MIB) == state


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 9, "known": {}}',
        '{"version": 1, "known": {"way": {"factors": [1]}}}',
        '{"version": 1, "known": {"way": {"factors": [1], "covariance": []}}}',
    ],
)
def test_a_file_that_is_broken_is_no_harm(tmp_path: Path, text: str) -> None:
    """Whatever stands in it, everything is learned anew and written over it."""
    (tmp_path / "memory.json").write_text(text)
    known = kept(tmp_path)
    assert known.of("way", 8_000 * MIB) == calibration.cold(TABLE.calibration)
    state = taught(known, "way", 8_000 * MIB)
    assert kept(tmp_path).of("way", 8_000 * MIB) == state


def test_a_folder_that_takes_no_file_costs_no_job(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be kept is still known, and said once."""
    known = kept(tmp_path / "missing")
    for _ in range(3):
        state = taught(known, "way", 8_000 * MIB)
    assert known.of("way", 8_000 * MIB) == state
    assert caplog.text.count("cannot keep") == 1


def test_only_so_many_ways_of_computing_are_kept(tmp_path: Path) -> None:
    """The file does not grow for ever; the longest unused way goes first."""
    known = kept(tmp_path)
    for index in range(40):
        taught(known, f"way {index}", 8_000 * MIB)
    found = json.loads((tmp_path / "memory.json").read_text())["known"]
    assert list(found) == [f"way {index}" for index in range(8, 40)]
