"""`csnn-tf show` and the views behind it."""

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from csnn_tf.data.atoms import builtin_carbon, write_npz
from csnn_tf.data.shapes import make_shape
from csnn_tf.errors import InputError
from csnn_tf.grid import icosahedral_rotations, vertex_permutations
from csnn_tf.models import DensityOfStates, PointCloudClassifier
from csnn_tf.report.grid_view import GridView
from csnn_tf.report.show_page import choose, write_view
from csnn_tf_command import cli
from tests.helpers import numpy_of


@pytest.fixture(scope="module")
def chair():
    return make_shape("chair", np.random.default_rng(0), 200)


@pytest.mark.parametrize("tilt", [None, (-0.82, 2.28, 0.76)])
def test_activations_turn_with_the_input(chair, tilt):
    model = PointCloudClassifier.from_preset("tiny", num_classes=3, tilt=tilt)
    view = GridView.of_shape("chair", chair, model, level=0)
    points, features = view.features()
    assert features.shape == (12, 4, 32)
    assert np.linalg.norm(points, axis=1).max() == pytest.approx(1, abs=1e-5)
    part = keras.Model(
        model.backbone.inputs, model.backbone.get_layer("level0_co_radial0_norm").output
    )
    seen = numpy_of(part(model.spheres(chair[None]), training=False))[0]
    np.testing.assert_allclose(features, seen, atol=1e-4 * np.abs(seen).max())
    _, turned = view.features(icosahedral_rotations()[7])
    expected = np.empty_like(features)
    expected[vertex_permutations(0)[7]] = features
    scale = np.abs(features).max()
    assert np.abs(features - turned).max() > 1e-2 * scale
    np.testing.assert_allclose(turned, expected, atol=1e-4 * scale)


def test_an_atom_is_seen_as_the_model_sees_it():
    carbon = builtin_carbon()
    model = DensityOfStates.from_preset("tiny", ["C"], carbon.energies, {"C": 4.0})
    view = GridView.of_atom("carbon", carbon[0], 2, model)
    points, features = view.features()
    assert np.linalg.norm(points, axis=1).max() <= 1.001
    assert features.shape == model.backbone.input_shape[1:]
    assert features.sum() > 0
    with pytest.raises(InputError, match="--atom must be from 0 to"):
        GridView.of_atom("carbon", carbon[0], 100_000, model)


def test_what_varies_most_is_chosen():
    features = np.zeros((12, 3, 2))
    features[4, 1, 1] = 5.0
    assert choose(features, None, None) == (1, 1)
    assert choose(features, 0, 2) == (0, 2)
    with pytest.raises(InputError, match="--sphere must be from 0 to 2"):
        choose(features, None, 3)


def run(*arguments):
    return CliRunner().invoke(cli, ["show", *map(str, arguments)], catch_exceptions=False)


def test_a_shape_becomes_a_picture_or_a_page(tmp_path, chair):
    np.save(tmp_path / "chair.npy", chair)
    model = tmp_path / "model.keras"
    PointCloudClassifier.from_preset("tiny", num_classes=3).save(model)
    png, html = tmp_path / "chair.png", tmp_path / "chair.html"
    assert run(tmp_path / "chair.npy", "--png", png).exit_code == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    arguments = (tmp_path / "chair.npy", "--model", model, "--level", 1, "--html", html)
    assert "activation of level 1" in run(*arguments).stdout
    page = html.read_text("utf-8")
    assert "Turned by a rotation of the icosahedron" in page
    assert page.count('class="plot three"') == 3
    assert "4 spheres of 42 vertices" in page
    assert "The slider chooses the sphere" in page


def test_a_structure_becomes_a_page(tmp_path):
    from ase.build import bulk

    bulk("C", "diamond", 3.57).write(tmp_path / "POSCAR.vasp", format="vasp")
    result = run(tmp_path / "POSCAR.vasp", "--html", tmp_path / "page.html")
    assert result.exit_code == 0
    assert "atom 0 (C)" in (tmp_path / "page.html").read_text("utf-8")
    with pytest.raises(InputError, match="--num-points is about meshes, and .* is a structure"):
        run(tmp_path / "POSCAR.vasp", "--num-points", 9)


def test_a_structure_may_be_in_an_npz_file(tmp_path):
    path, html = tmp_path / "set.npz", tmp_path / "page.html"
    write_npz(path, builtin_carbon().subset([0, 1]))
    run(path, "--html", html)
    assert "set.npz[0], atom 0 (C)" in html.read_text("utf-8")
    write_npz(path, builtin_carbon().subset([0]))
    run(path, "--html", html)
    assert "set.npz, atom 0 (C)" in html.read_text("utf-8")
    write_npz(path, builtin_carbon().subset([]))
    with pytest.raises(InputError, match=r"set\.npz holds no structures"):
        run(path)
    np.savez(path, numbers=[6], cell=np.eye(3))
    with pytest.raises(InputError, match=r"readable \.npz file: .* As a structure, .* lacks the"):
        run(path)


def test_what_is_neither_points_nor_atoms_is_told_both_reasons(tmp_path):
    path = tmp_path / "a.xyz"
    path.write_text("1 2 3\n4 5 oops\n")
    with pytest.raises(
        InputError, match=r"readable \.xyz file: .*'oops'.*\. As a structure, .* ASE"
    ):
        run(path)
    path.write_text("2\nmonoxide\nC 0 0 0\nO 0 0 1.1\n")
    run(path, "--html", tmp_path / "a.html")
    assert "atom 0 (C)" in (tmp_path / "a.html").read_text("utf-8")
    path.unlink()
    with pytest.raises(InputError, match=r"a\.xyz does not exist\.$"):
        run(path)


def test_one_sphere_has_no_slider(tmp_path):
    carbon = builtin_carbon()
    model = DensityOfStates.from_preset("tiny", ["C"], carbon.energies, {"C": 4.0})
    write_view(GridView.of_atom("carbon", carbon[0], 2, model), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "1 sphere of 42 vertices" in page
    assert "The slider chooses" not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--level", "1"], "give --model"),
        (["--sphere", "9"], "--sphere must be from 0 to 3"),
        (["--png", "chair.jpg"], "must end in .png"),
        (["--png", "chair.png", "--open"], "--png writes none: give --html too"),
        (["--atom", "3"], "--atom is about structures, and chair.npy is a shape"),
        (["--num-points", "9"], "--num-points is about meshes, and chair.npy is a cloud"),
    ],
)
def test_what_cannot_be_shown_is_said(tmp_path, monkeypatch, chair, arguments, message):
    monkeypatch.chdir(tmp_path)
    np.save("chair.npy", chair)
    with pytest.raises(InputError, match=message):
        run("chair.npy", *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["chair.npy"]
