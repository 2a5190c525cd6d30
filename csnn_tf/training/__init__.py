"""Training: recipes, schedules, run folders and the training loop."""

from typing import TYPE_CHECKING

from csnn_tf.lazy_names import lazy_names

if TYPE_CHECKING:
    from csnn_tf.training.config import TrainingConfig as TrainingConfig
    from csnn_tf.training.dos_config import DosConfig as DosConfig
    from csnn_tf.training.dos_trainer import train_dos as train_dos
    from csnn_tf.training.run_folder import RunFolder as RunFolder
    from csnn_tf.training.trainer import train as train

_HOME = {
    "DosConfig": "dos_config",
    "RunFolder": "run_folder",
    "TrainingConfig": "config",
    "train": "trainer",
    "train_dos": "dos_trainer",
}
__getattr__, __dir__, __all__ = lazy_names(__name__, _HOME)
