import math

import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.models import DensityOfStates, PointCloudClassifier, preset, preset_names


def trainable(model):
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def test_names():
    assert {"paper", "small", "tiny"} <= set(preset_names())


def test_the_published_size():
    model = PointCloudClassifier.from_preset("paper", num_classes=40)
    assert trainable(model) == 3_959_784
    assert model.spheres(np.zeros((1, 1, 3), "float32")).shape == (1, 2562, 20, 8)


def test_the_small_size():
    model = PointCloudClassifier.from_preset("small", num_classes=40)
    assert 550_000 < trainable(model) < 650_000
    assert model.to_spheres.level == 3


def test_fields_can_be_replaced():
    fields = preset("tiny", spheres=6, dropout=0.5)
    assert (fields["spheres"], fields["dropout"], fields["channels"]) == (6, 0.5, 2)
    assert preset("tiny")["spheres"] == 4, "the preset itself must not change"
    model = PointCloudClassifier.from_preset(
        "tiny", num_classes=3, spheres=6, hidden=(7, 5), point_count=None
    )
    assert model.to_spheres.spheres == 6
    assert model.hidden == (7, 5)
    assert model.to_spheres.point_count is None


@pytest.mark.parametrize(
    ("kind", "others"), [(PointCloudClassifier, [3]), (DensityOfStates, [["C"], np.arange(8.0)])]
)
def test_a_model_may_have_a_name(kind, others):
    assert kind.from_preset("tiny", *others, name="own").name == "own"
    trained = "modelnet40_small_so3" if kind is PointCloudClassifier else "carbon_dos_small"
    with pytest.raises(InputError, match=f"{trained} is a trained model, whose fields"):
        kind.from_preset(trained, name="own")


def test_unknown_preset():
    with pytest.raises(InputError, match="preset must be one of paper, small, tiny.*'huge'"):
        PointCloudClassifier.from_preset("huge", num_classes=3)
    with pytest.raises(InputError, match=r"preset must be one of paper, small, .*\['tiny'\]"):
        PointCloudClassifier.from_preset(["tiny"], 3)


def test_names_of_trained_models():
    with pytest.raises(
        InputError, match="one of paper, .*modelnet40_small_so3.*'modelnet40_small'"
    ) as caught:
        PointCloudClassifier.from_preset("modelnet40_small")
    assert "carbon" not in str(caught.value)
    with pytest.raises(InputError, match="carbon_dos_small is a model of densities of states, not"):
        PointCloudClassifier.from_preset("carbon_dos_small")
    with pytest.raises(InputError, match="class_names must be all different: 'nut' comes twice"):
        PointCloudClassifier.from_preset("tiny", class_names=["nut", "bolt", "nut"])
    trained = DensityOfStates.from_preset("carbon_dos_small")
    assert trained.elements == ("C",)
    with pytest.raises(InputError, match="carbon_dos_small is a trained model, whose fields"):
        DensityOfStates.from_preset("carbon_dos_small", ["C"])
    with pytest.raises(
        InputError, match="one of paper, .*carbon_dos_small.*'carbon_dos'"
    ) as caught:
        DensityOfStates.from_preset("carbon_dos")
    assert "modelnet40" not in str(caught.value)
    with pytest.raises(
        InputError, match=r"an untrained model \(tiny\) needs elements and energies"
    ):
        DensityOfStates.from_preset("tiny")


def test_unknown_field():
    with pytest.raises(InputError, match=r"unknown field 'shperes': did you mean spheres\?"):
        PointCloudClassifier.from_preset("tiny", num_classes=3, shperes=4)
    with pytest.raises(InputError, match="unknown field 'xyz': the classifier has .*spheres"):
        PointCloudClassifier.from_preset("tiny", num_classes=3, xyz=4)


@pytest.mark.parametrize("name", ["modelnet40_small_so3", "carbon_dos_small"])
def test_quantisation_is_refused(name):
    kind = DensityOfStates if "dos" in name else PointCloudClassifier
    with pytest.raises(InputError, match=f"a {kind.__name__} cannot be quantised"):
        kind.from_preset(name).quantize("int8")


def test_quantised_parts_are_refused_by_name(tmp_path):
    model = PointCloudClassifier.from_preset("tiny", num_classes=3)
    with pytest.raises(InputError, match="a ConcentricBackbone cannot be quantised"):
        model.backbone.quantize("int8")
    copy = model.for_classes(["a", "b"])
    copy.save(tmp_path / "model.keras")
    saved = (tmp_path / "model.keras").read_bytes()
    with pytest.warns(UserWarning, match="quantize"):
        copy.network.quantize("int8")
    with pytest.raises(InputError, match=r"layer '\w+' is quantised, and a file of a PointCl"):
        copy.save(tmp_path / "model.keras")
    assert (tmp_path / "model.keras").read_bytes() == saved
    model.save(tmp_path / "model.keras")
