"""What the next version under a name must have in common with the one before."""

import pytest

from csnn_tf.errors import InputError
from csnn_tf.export import export_model


def test_another_kind_of_model_under_the_same_name(tmp_path, doubler):
    path = export_model(doubler("other"), tmp_path / "models").path
    with pytest.raises(InputError, match=r"1 answers other requests \(serving_default, tripled\)"):
        export_model(doubler(), tmp_path / "models")
    assert [each.name for each in path.parent.iterdir()] == ["1"]
    assert export_model(doubler("other"), tmp_path / "models").path.name == "2"


@pytest.mark.parametrize(
    ("first", "second", "lost"),
    [("halves", "plain", "output half"), ("plain", "points", "input x")],
)
def test_a_version_without_what_clients_know(tmp_path, doubler, first, second, lost):
    path = export_model(doubler(first), tmp_path / "models").path
    message = rf"models/doubler_v2/1 has .* lacks \({lost} of serving_default\), .* another name"
    with pytest.raises(InputError, match=message):
        export_model(doubler(second), tmp_path / "models")
    assert [each.name for each in path.parent.iterdir()] == ["1"]


def test_a_version_with_more_outputs(tmp_path, doubler):
    export_model(doubler(), tmp_path / "models")
    assert export_model(doubler("halves"), tmp_path / "models").path.name == "2"
    assert export_model(doubler("halves"), tmp_path / "models").path.name == "3"


def test_other_labels_under_the_same_name(tmp_path, doubler):
    path = export_model(doubler(names=["cat", "dog"]), tmp_path / "models").path
    with pytest.raises(InputError, match="1 stand for cat, dog, and not for dog, cat: .*--other"):
        export_model(doubler(names=["dog", "cat"]), tmp_path / "models")
    with pytest.raises(InputError, match=r"not for 9 labels \(0, 1, 2, ..., 8\)"):
        export_model(doubler(names=[str(number) for number in range(9)]), tmp_path / "models")
    assert [each.name for each in path.parent.iterdir()] == ["1"]
    export_model(doubler(names=["dog", "cat"]), tmp_path / "models", other_labels=True)
    assert export_model(doubler(names=["dog", "cat"]), tmp_path / "models").path.name == "3"
