"""The models that predict densities of states, by name."""

from csnn_tf.checks import check_choice
from csnn_tf.models.agni_dos import AgniDensityOfStates
from csnn_tf.models.atomic_dos_model import AtomicDosModel
from csnn_tf.models.density_of_states import DensityOfStates
from csnn_tf.models.schnet_dos import SchNetDensityOfStates

DOS_ARCHITECTURES: dict[str, type[AtomicDosModel]] = {
    "csnn": DensityOfStates,
    "agni": AgniDensityOfStates,
    "schnet": SchNetDensityOfStates,
}
"""The paper's model and the baselines of its Table II."""


def dos_architecture(name: str) -> type[AtomicDosModel]:
    """The class of a model by its name.

    Args:
        name: "csnn", "agni" or "schnet".

    Raises:
        InputError: If the name is unknown.

    Example:
        >>> dos_architecture("agni").from_preset("small", ["C"], np.linspace(-30, 1, 311))
    """
    return DOS_ARCHITECTURES[check_choice("architecture", name, tuple(DOS_ARCHITECTURES))]
