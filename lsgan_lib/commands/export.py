"""`lsgan export`: the generator in a form that needs no torch."""

from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from lsgan_lib.commands.find_run import find_run


def export(
    run: Positional[Path],
    onnx: Annotated[tuple[Path] | tuple[()], tyro.conf.arg(metavar="[FILE]")] = (),
) -> None:
    """Write a run's averaged generator as an ONNX file, and check that it makes the same images.

    Args:
        run: a run's folder, or the name of a recorded run.
        onnx: the file to write; NAME.onnx, after the run, if not given.
    """
    from lsgan_lib.export import BATCHES, OPSET, to_onnx

    directory = find_run(run)
    out = onnx[0] if onnx else Path(f"{directory.path.resolve().name}.onnx")
    difference = to_onnx(directory, out)
    print(
        f"wrote {out} (opset {OPSET}). Against torch, batches of "
        f"{' and '.join(map(str, BATCHES))}: largest difference {difference:.1e}."
    )
