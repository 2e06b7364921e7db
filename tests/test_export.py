"""ONNX: another program makes torch's images from the file; what it could not make is refused."""

import json
import re
import sys
from dataclasses import replace

import pytest
import torch
from small_runs import RECIPE, RECIPES

from lsgan_lib import cli, export, latent
from lsgan_lib.errors import BookError
from lsgan_lib.export import to_onnx
from lsgan_lib.networks.dropout import set_dropout_random
from lsgan_lib.training import RunDirectory
from lsgan_lib.training.recipe import to_json

FAMILIES = {
    "least squares": replace(RECIPE, networks=replace(RECIPE.networks, width=0.1)),
    "dropout": replace(RECIPE, networks=replace(RECIPE.networks, width=0.1, dropout=0.5)),
    "no norm": replace(RECIPE, networks=replace(RECIPE.networks, width=0.1, generator_norm=False)),
    "loss-sensitive": RECIPES["loss-sensitive, slope penalty"],
    "DCGAN, dropout": RECIPES["cross-entropy, DCGAN"],
    "points": RECIPES["points"],
}


def run_of(folder, recipe):
    """A run whose generator is not a beginner's: its images differ from each other and from grey.

    The means and variances of its BatchNorms are those of its own activations.
    """
    run = RunDirectory(folder)
    run.create(recipe)
    random = torch.Generator().manual_seed(1)
    generator = recipe.networks.generator(random)
    set_dropout_random(generator, random)
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if parameter.ndim > 1:
                torch.nn.init.kaiming_normal_(parameter, generator=random).mul_(3)
            else:
                parameter.uniform_(-0.2, 0.2, generator=random).add_(name.endswith("weight"))
        for _ in range(50):  # in training mode
            generator(latent.draw(16, recipe.networks.z_dim, recipe.noise, random))
    run.write_generator(generator)
    return run


def images(path, z):
    """What onnxruntime makes of noise, with the file alone."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {"z": z.numpy()})
    return torch.from_numpy(made)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_another_program_makes_the_same_images(tmp_path, name):
    recipe = FAMILIES[name]
    run = run_of(tmp_path / "run", recipe)
    assert to_onnx(run, tmp_path / "a.onnx") <= 1e-4
    z = latent.draw(5, recipe.networks.z_dim, recipe.noise, torch.Generator().manual_seed(9))
    expected = run.generator()(z).detach()
    assert expected.std(dim=0).mean() > 0.02  # else equality would say little
    assert torch.allclose(images(tmp_path / "a.onnx", z), expected, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_the_command_says_what_it_wrote_and_the_file_what_it_is(tmp_path, monkeypatch, capfd):
    import onnx

    monkeypatch.chdir(tmp_path)
    run_of(tmp_path / "faces", RECIPE)
    cli.main(["export", "faces"])
    said, noise = capfd.readouterr()
    assert re.fullmatch(
        r"wrote faces\.onnx \(opset 18\)\. Against torch, batches of 1 and 7: largest difference "
        r"\d\.\de-\d\d\.\n",
        said,
    )
    assert noise == ""  # the exporter likes to talk
    assert sorted(p.name for p in tmp_path.iterdir()) == ["faces", "faces.onnx"]
    model = onnx.load(tmp_path / "faces.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 18)]
    about = {p.key: p.value for p in model.metadata_props}
    assert json.loads(about.pop("recipe")) == to_json(RECIPE)
    assert about == {"run": "faces", "z_dim": "3", "noise": "uniform"}
    (given,), (made,) = model.graph.input, model.graph.output
    assert (given.name, made.name) == ("z", "images")
    batch = [io.type.tensor_type.shape.dim[0].dim_param for io in (given, made)]
    assert batch == ["batch", "batch"]


@pytest.mark.parametrize(
    ("flags", "name"),
    [([], "faces.onnx"), (["--onnx"], "faces.onnx"), (["--onnx", "b/c.onnx"], "b/c.onnx")],
)
def test_the_file_is_named_after_the_run_or_as_asked(tmp_path, monkeypatch, capsys, flags, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export, "to_onnx", lambda run, out: 0.0)
    cli.main(["export", "runs/faces/", *flags])
    assert capsys.readouterr().out.startswith(f"wrote {name} ")


@pytest.mark.slow
@pytest.mark.parametrize("spoil", ["a weight", "an image"])
def test_a_file_that_differs_from_torch_is_not_left(tmp_path, monkeypatch, spoil):
    run, honest = run_of(tmp_path / "run", FAMILIES["points"]), latent.images_of
    assert to_onnx(run, tmp_path / "good.onnx") <= 1e-4
    model = (tmp_path / "good.onnx").read_bytes()
    monkeypatch.setattr(export, "_model", lambda *_: model)
    if spoil == "a weight":
        generator = run.generator()
        next(generator.parameters()).data.fill_(torch.nan)
        monkeypatch.setattr(RunDirectory, "generator", lambda _: generator)
    else:  # in a batch of seven alone
        monkeypatch.setattr(latent, "images_of", lambda g, z: honest(g, z) + 2e-4 * (len(z) > 1))
    with pytest.raises(BookError, match=r"differ from torch's by .*bad.onnx is not written"):
        to_onnx(run, tmp_path / "bad.onnx")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["good.onnx", "run"]


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_without_a_package_it_says_how_to_get_it(tmp_path, monkeypatch, package):
    run = run_of(tmp_path / "run", RECIPE)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BookError, match="pip install onnx onnxruntime onnxscript"):
        to_onnx(run, tmp_path / "a.onnx")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_where_nothing_can_be_written_no_work_is_done(tmp_path, monkeypatch):
    run = run_of(tmp_path / "run", RECIPE)
    monkeypatch.setattr(export, "_model", lambda *_: pytest.fail("worked for nothing"))
    with pytest.raises(BookError, match="could not write"):
        to_onnx(run, tmp_path / "nowhere" / "a.onnx")


def test_what_is_no_run_or_has_no_weights_is_refused(tmp_path):
    with pytest.raises(BookError, match="nowhere is not a run directory"):
        to_onnx(RunDirectory(tmp_path / "nowhere"), tmp_path / "a.onnx")
    RunDirectory(tmp_path / "empty").create(RECIPE)
    with pytest.raises(BookError, match="there are no weights"):
        to_onnx(RunDirectory(tmp_path / "empty"), tmp_path / "a.onnx")
