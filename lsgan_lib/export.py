"""A trained generator as an ONNX file, which other languages and browsers can run without torch."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lsgan_lib import latent
from lsgan_lib.errors import BookError, first_line
from lsgan_lib.files import atomic
from lsgan_lib.training import RunDirectory
from lsgan_lib.training.recipe import Recipe, to_json

OPSET = 18
"""Version of ONNX's operators, of December 2022: old enough for the runtimes in use."""

BATCHES = (1, 7)
"""Sizes of the batches that are compared: the batch is an axis of any length."""

LARGEST_DIFFERENCE = 1e-4
"""Between torch's images and those of the file, in [-1, 1]: an eightieth of a grey level."""


def to_onnx(run: RunDirectory, out: Path) -> float:
    """Write a run's averaged generator to `out`; returns its largest difference from torch.

    The file maps z (batch, z_dim) to images (batch, channels, size, size) in [-1, 1], dropout off,
    for a batch of any size. Its metadata tell the run's name, its recipe, z_dim and the kind of
    noise. It is written only after onnxruntime has made the same images of fresh noise as torch.
    Raises BookError where a package is missing, the run has no weights, or the two differ.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise BookError(
            f"writing ONNX needs a package that is not here ({first_line(error)}): "
            "pip install onnx onnxruntime onnxscript"
        ) from error
    recipe, generator = run.recipe(), run.generator()
    with atomic(out) as file:  # at once: a wrong folder should not show itself after half a minute
        model = _model(generator, recipe, run.path.resolve().name)
        difference = _largest_difference(model, generator, recipe)
        if not difference <= LARGEST_DIFFERENCE:  # NaN included
            raise BookError(
                f"onnxruntime's images differ from torch's by {difference:.1e}, more than "
                f"{LARGEST_DIFFERENCE:.0e}: {out} is not written. Another version of onnxruntime "
                "or torch may agree; where the weights themselves are not finite, none will."
            )
        file.write(model)
    return difference


def _model(generator: nn.Module, recipe: Recipe, name: str) -> bytes:
    """The generator as the content of an ONNX file, weights included."""
    program = torch.onnx.export(
        generator,
        # Two rows: an example of one would be taken for a batch that always is one.
        (torch.zeros(2, recipe.networks.z_dim),),
        input_names=["z"],
        output_names=["images"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        opset_version=OPSET,
        verbose=False,  # it likes to talk
    )
    assert program is not None  # it is only where a file name was given
    model = program.model_proto
    metadata = {
        "run": name,
        "recipe": json.dumps(to_json(recipe)),
        "z_dim": str(recipe.networks.z_dim),
        "noise": recipe.noise,
    }
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    return model.SerializeToString()


def _largest_difference(model: bytes, generator: nn.Module, recipe: Recipe) -> float:
    """max |onnxruntime - torch| over fresh noise in batches of several sizes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    random = torch.Generator().manual_seed(0)
    worst = torch.tensor(0.0)
    for count in BATCHES:
        z = latent.draw(count, recipe.networks.z_dim, recipe.noise, random)
        (images,) = session.run(None, {"z": z.numpy()})
        apart = (torch.from_numpy(images) - latent.images_of(generator, z)).abs().max()
        worst = torch.maximum(worst, apart)  # which keeps a NaN
    return float(worst)
