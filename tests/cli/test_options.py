"""What several commands share: parsing of --set, what is said on Ctrl-C."""

from pathlib import Path

import pytest

from csnn_tf.cli.options import interrupted, model_to_record, parse_fields
from csnn_tf.cli.several_runs import goes_on_later
from csnn_tf.errors import InputError


def test_values_are_json_where_they_can_be():
    settings = ["spheres=16", "radius=null", "intra-filters=[4, 8]", "schedule=cosine", "x=a=b"]
    assert parse_fields(settings) == {
        "spheres": 16,
        "radius": None,
        "intra_filters": [4, 8],
        "schedule": "cosine",
        "x": "a=b",
    }


@pytest.mark.parametrize("setting", ["spheres", "=3", ""])
def test_a_setting_needs_key_and_value(setting):
    with pytest.raises(InputError, match="key=value"):
        parse_fields([setting])


def test_a_key_comes_once():
    with pytest.raises(InputError, match="twice"):
        parse_fields(["a=1", "a=2"])


def test_a_folder_called_like_a_trained_model_is_not_recorded_for_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("modelnet40_small_so3", "run"):
        Path(name).mkdir()
    (tmp_path / "run" / "best.keras").touch()
    assert model_to_record("modelnet40_small_so3") == "modelnet40_small_so3"
    assert model_to_record("run") == str(tmp_path / "run")
    assert model_to_record("run/best.keras") == str(tmp_path / "run/best.keras")
    assert model_to_record(None) is None


GO_ON = ": go on with `csnn-tf train shapes --out 'a run' --resume`"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "before the run had begun"),
        ({"config.json": "{}"}, f"before the end of an epoch{GO_ON}"),
        ({"config.json": "{}", "history.csv": "epoch,loss\n1,3\n2,2\n"}, f"after epoch 2{GO_ON}"),
    ],
)
def test_an_interrupted_training_says_what_goes_on(tmp_path, monkeypatch, capsys, files, said):
    monkeypatch.chdir(tmp_path)
    out = Path("a run")
    out.mkdir()
    for name, text in files.items():
        (out / name).write_text(text)
    with pytest.raises(SystemExit) as ended:
        interrupted(out, "csnn-tf train shapes")
    assert ended.value.code == 130
    assert capsys.readouterr().out == f"Interrupted {said}.\n"


def test_interrupted_tables_say_what_goes_on(capsys):
    with pytest.raises(SystemExit) as ended, goes_on_later():
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert "the same command goes on" in capsys.readouterr().out
