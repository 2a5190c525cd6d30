"""Small runs and the pages about them, made once."""

from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from csnn_tf.data.atoms import builtin_carbon
from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.models import DensityOfStates, PointCloudClassifier
from csnn_tf.report import classifier_report, dos_report_page
from csnn_tf.training.run_folder import RunFolder, versions

CONFIG = {
    "data": "shapes",
    "folder": None,
    "preset": "tiny",
    "recipe": "quick",
    "model": {"dropout": 0.1, "hidden": [16]},
    "rotation": "so3",
    "seed": 3,
    "epochs": 3,
    "batch_size": 16,
}
HISTORY = [
    {
        "epoch": epoch,
        "loss": 3.0 / epoch,
        "accuracy": 0.1 * epoch,
        "val_loss": 3.2 / epoch,
        "val_accuracy": 0.3 if epoch == 2 else 0.2,
        "learning_rate": 0.001,
        "seconds": 40.0,
    }
    for epoch in (1, 2, 3)
]


@pytest.fixture(scope="session")
def shapes():
    return builtin_shapes("test", 2, num_points=64)


@pytest.fixture(scope="session")
def classifier_run(tmp_path_factory, shapes):
    with ExitStack() as locks:
        run = RunFolder.create(tmp_path_factory.mktemp("runs") / "shapes <1>", locks)
    model = PointCloudClassifier.from_preset(
        "tiny",
        class_names=shapes.class_names,
        hidden=[16],
        level=1,
        spheres=2,
        intra_filters=[8],
        intra_layers=[1],
        co_radial_filters=[8],
        co_radial_layers=[1],
    )
    run.save_model(run.best, model)
    run.write_json("config.json", CONFIG)
    run.write_json("versions.json", versions())
    run.write_history(HISTORY)
    run.mark_resumed(3)
    return run


@pytest.fixture(scope="session")
def classifier_page(classifier_run, shapes):
    path = classifier_run.path / "report.html"
    findings = classifier_report(classifier_run.path, shapes, path, consistency_shapes=16)
    return path, findings


@pytest.fixture(scope="session")
def dos_page(tmp_path_factory):
    carbon = builtin_carbon()
    rows = np.concatenate(
        [np.flatnonzero(carbon.types == kind)[:4] for kind in dict.fromkeys(carbon.types.tolist())]
    )
    some = carbon.subset(rows[np.argsort(carbon.counts[rows], kind="stable")[:9]])
    some = replace(some, split=np.array(["test"] * len(some)))
    model = DensityOfStates.from_preset("tiny", ["C"], carbon.energies, {"C": 4.0})
    model.start_from(carbon.dos)
    with ExitStack() as locks:
        run = RunFolder.create(tmp_path_factory.mktemp("runs") / "carbon", locks)
    run.save_model(run.best, model)
    path = run.path / "report.html"
    return path, dos_report_page(run.path, some, path)
