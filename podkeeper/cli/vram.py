"""`podkeeper vram`: which jobs fit on a card?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.console.text import table
from podkeeper.policy import batch_plan, calibration
from podkeeper.policy.batch_plan import Allowed, Room, Verdict
from podkeeper.policy.estimate import Estimator
from podkeeper.policy.vram_cost import Decoder, Server, Workload, model_of
from podkeeper.settings import vram
from podkeeper.settings.load import load
from podkeeper.units import format_size, parse_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.policy.batch_plan import Plan

NAME = "vram"
HELP = "Which sizes and batches of a model family fit on a card, and how much memory they need."

_FAMILIES = ("sd15", "sd21", "sdxl")
_WORDS = {Verdict.FITS: "yes", Verdict.TRY: "perhaps", Verdict.REFUSE: "no"}
_BASIS = """By declared constants with the margin of a worker that has measured nothing yet
(conf/vram.toml); each worker measures its own jobs and plans with that.
"perhaps": tried one image at a time, and answered step by step if it runs out."""


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("family", choices=_FAMILIES, help="the model's family")
    parser.add_argument("card", type=_size, help="the card's memory, such as 12GiB")
    parser.add_argument("--batch", type=int, default=16, help="largest batch to look at (16)")
    parser.add_argument("--attention", default="sdp", help="sdp, xformers or other (sdp)")
    parser.add_argument("--medvram", action="store_true", help="as with --medvram(-sdxl)")
    parser.add_argument("--no-half", action="store_true", help="as with --no-half")
    parser.add_argument("--no-half-vae", action="store_true", help="as with --no-half-vae")
    parser.add_argument("--hires", type=float, default=0, metavar="SCALE", help="with a hires pass")
    parser.add_argument("--controlnets", type=int, default=0, metavar="N", help="with ControlNets")
    parser.add_argument("--loras", type=int, default=0, metavar="N", help="with LoRAs")
    parser.add_argument(
        "--decoder", choices=[*Decoder], default=Decoder.FULL, help="what decodes (full)"
    )
    parser.add_argument("--img2img", action="store_true", help="starting from a picture")
    settings_arguments(parser)


def _estimator(options: argparse.Namespace) -> Estimator:
    constants = vram.read()
    half = not options.no_half
    server = Server(options.attention, half, half and not options.no_half_vae, options.medvram)
    model = model_of(constants, options.family, server)
    rules = constants.calibration
    return Estimator(model, calibration.cold(rules), rules)


def _workloads(options: argparse.Namespace, sizes: list[str]) -> Iterator[Workload]:
    for size in sizes:
        width, height = (int(side) for side in size.split("x"))
        scale = options.hires
        yield Workload(
            width,
            height,
            batch=max(1, options.batch),
            hires=(int(width * scale), int(height * scale)) if scale else None,
            encodes=options.img2img,
            controlnets=options.controlnets,
            loras=options.loras,
            decoder=Decoder(options.decoder),
        )


def _row(plan: Plan, asked: Workload) -> list[str]:
    fits = plan.verdict is Verdict.FITS
    batch = str(plan.work.batch) if plan.verdict is not Verdict.REFUSE else "-"
    apart = " (halves apart)" if fits and not plan.work.together else ""
    need = format_size(plan.need_bytes or 0)
    return [f"{asked.width}x{asked.height}", _WORDS[plan.verdict] + apart, batch, need]


def run(options: argparse.Namespace) -> int:
    """Print the table; exit code 1 where nothing fits."""
    settings = load(source_of(options)).settings
    estimator = _estimator(options)
    room = Room(options.card - settings.planning.reserve.of(options.card), options.card)
    plans = [
        (batch_plan.plan(estimator, work, room, Allowed(), 1.0), work)
        for work in _workloads(options, estimator.model.family.sizes)
    ]
    family = estimator.model.family.name
    print(f"{family}, {format_size(options.card)} card, {format_size(room.limit_bytes)} for jobs\n")
    head = ["size", "fits", "largest batch", "needs"]
    print("\n".join(table([head, *(_row(plan, work) for plan, work in plans)])))
    print(f"\n{_BASIS}")
    return 0 if any(plan.verdict is Verdict.FITS for plan, _ in plans) else 1
