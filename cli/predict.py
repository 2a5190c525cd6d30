"""csnn-tf predict"""

import json
import math

import click
import numpy as np

from csnn_tf.cli.hand_over import HandOver, first_argument
from csnn_tf.cli.options import json_option, recorded_points, votes_option
from csnn_tf.data.mesh import Mesh
from csnn_tf.data.mesh_set import sample_surface
from csnn_tf.data.readers import read_shape
from csnn_tf.data.shape_set import span
from csnn_tf.errors import InputError
from csnn_tf.inference import Predictor
from csnn_tf.models import CloudClassifier
from csnn_tf.models.kind import is_dos_model
from csnn_tf.models.loading import load_model, training_record
from csnn_tf.processor import share_cores_among_batches
from csnn_tf.training.run_folder import made_in_python

_BATCH = 32


def _dos() -> click.Command:
    from csnn_tf.cli.predict_dos import predict_dos_command

    return predict_dos_command


@click.command("predict", cls=HandOver, instead=first_argument("dos", _dos))
@click.argument("model")
@click.argument("files", nargs=-1, required=True)
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Classes shown.")
@click.option(
    "--num-points",
    type=click.IntRange(1, 10_000_000),
    help="Drawn on meshes [default: as in training, or 1024].",
)
@votes_option
@json_option
def predict_command(model, files, top, num_points, votes, as_json) -> None:
    """Classify FILES (off, obj, ply, stl, npy, npz, xyz, csv, txt) in any orientation.

    `predict dos MODEL FILES` predicts densities of states instead (`predict dos --help`).
    """
    if is_dos_model(model):
        raise InputError(
            f"{model} predicts densities of states: `csnn-tf predict dos {model} ...`."
        )
    share_cores_among_batches(math.ceil(len(files) / _BATCH))
    classifier = load_model(model, CloudClassifier)
    record = training_record(model)
    points = recorded_points(record) if num_points is None else num_points
    clouds, any_mesh = [], False
    for name in files:
        shape = read_shape(name, centred=classifier.centred)
        if isinstance(shape, Mesh):
            shape, any_mesh = sample_surface(shape, points, [0]), True
        if not np.ptp(shape, axis=0).any():
            click.echo(
                f"all points of {name} are one and the same: its class means nothing.", err=True
            )
        clouds.append(shape)
    if num_points is not None and not any_mesh:
        raise InputError(f"--num-points is about meshes, and {files[0]} is a cloud.")
    _say_if_sparse(model, record, files, clouds)
    probabilities = Predictor(classifier, min(len(clouds), _BATCH), votes).probabilities(clouds)
    names = classifier.class_names or [str(place) for place in range(classifier.num_classes)]
    rows = []
    for name, scores in zip(files, probabilities, strict=True):
        order = np.argsort(-scores)[:top]
        ranked = [{"class": names[i], "probability": round(float(scores[i]), 6)} for i in order]
        rows.append({"file": name, "class": ranked[0]["class"], "top": ranked})
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        ranked = ", ".join(f"{entry['class']} {entry['probability']:.1%}" for entry in row["top"])
        click.echo(f"{row['file']}: {ranked}")


def _say_if_sparse(model, record, files, clouds) -> None:
    """Warn of clouds with far fewer points than a model was trained with.

    Only where its training set had as many for every shape: clouds of one's own may have had fewer.
    """
    own = record.get("folder") is not None or made_in_python(record)
    if own or "num_points" not in record:
        return
    most, dropped = recorded_points(record), record.get("point_dropout")
    fewest = math.ceil(most * (1 - dropped)) if isinstance(dropped, float) else most
    sparse = [name for name, cloud in zip(files, clouds, strict=True) if len(cloud) < fewest * 0.75]
    if not sparse:
        return
    usual = span(fewest, most)
    which, so = f"{sparse[0]} has", "its class"
    if len(sparse) > 1:
        which, so = f"{sparse[0]} and {len(sparse) - 1} more have", "their classes"
    click.echo(
        f"{which} far fewer points than the {usual} of a shape that {model} was trained with: "
        f"{so} may well be wrong.",
        err=True,
    )
