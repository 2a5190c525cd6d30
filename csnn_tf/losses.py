"""The loss of the paper's second application: DOS and cumulative DOS together."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from csnn_tf.checks import check_number
from csnn_tf.electronic.differentiable import DifferentiableFermi
from csnn_tf.electronic.quantities import ELECTRON_TOLERANCE
from csnn_tf.errors import InputError


@keras.saving.register_keras_serializable(package="csnn_tf")
class DosLoss(keras.losses.Loss):
    r"""Weighted mean squared errors of the DOS and the cumulative DOS, equation 15.

    $L = \alpha L_{DOS} + (1 - \alpha) L_{FDOS}$, both means over the bins; FDOS is the running sum
    of the bins times the bin width $\Delta$. Optionally $+ w_F (E_F - \hat E_F)^2
    + w_b (\delta E_{band})^2$ with the change of the band energy to first order,
    $\delta E_{band} = \Delta \sum_i \min(E_i - E_F, 0) (\hat g_i - g_i)$: as the electron count is
    fixed, the Fermi level's own change cancels. Fermi levels are closed form on the bins' cubic
    spline; structures whose DOS does not reach the electron count (a reference may lack 0.01) have
    no such term.

    Args:
        alpha: Weight of the DOS against the cumulative DOS, 0 to 1.
        bin_width: Width of the bins, eV.
        fermi_weight: $w_F$, 1/eV^2; 0 leaves the term out.
        band_weight: $w_b$, (eV/atom)^-2; 0 leaves the term out.
        first_energy: Energy of the first bin, eV from the vacuum level; only for the two optional
            terms.
        electrons: Electrons/atom of all structures (carbon: 4), for the two optional terms, unless
            they come with the reference.
        reduction: As in `keras.losses.Loss`.
        name: Name of the loss.

    Call arguments:
        y_true: Reference DOS [B, bins], states/eV/atom; or [B, bins + 1], the last column being
            each structure's electrons/atom, NaN where unknown, which leaves out the optional terms.
        y_pred: Predicted DOS [B, bins], states/eV/atom.

    Raises:
        InputError: Values out of range, or an optional term without electrons.

    Example:
        >>> import numpy as np
        >>> loss = DosLoss(alpha=0.5, bin_width=1.0)
        >>> float(loss(np.zeros((1, 2), "float32"), np.ones((1, 2), "float32")))
        1.75
    """

    def __init__(
        self,
        alpha: float = 0.1,
        bin_width: float = 0.1,
        fermi_weight: float = 0.0,
        band_weight: float = 0.0,
        first_energy: float = -30.0,
        electrons: float | None = None,
        reduction: str = "sum_over_batch_size",
        name: str = "dos_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(reduction=reduction, name=name, **kwargs)
        self.alpha = check_number("alpha", alpha, 0, 1)
        self.bin_width = check_number("bin_width", bin_width)
        if self.bin_width <= 0:
            raise InputError(f"bin_width is {bin_width}; expected a positive number of eV.")
        self.fermi_weight = check_number("fermi_weight", fermi_weight, 0)
        self.band_weight = check_number("band_weight", band_weight, 0)
        self.first_energy = check_number("first_energy", first_energy)
        self.electrons = None if electrons is None else check_number("electrons", electrons)
        if self.electrons is not None and self.electrons <= 0:
            raise InputError(f"electrons is {electrons}; expected a positive number/atom.")
        self._fermi: DifferentiableFermi | None = None

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss of each structure [B]."""
        y_pred = ops.convert_to_tensor(y_pred)
        y_true, electrons = self._reference(ops.cast(y_true, y_pred.dtype), y_pred.shape)
        difference = y_pred - y_true
        cumulative = self.bin_width * ops.cumsum(difference, axis=-1)
        loss = self.alpha * ops.mean(ops.square(difference), axis=-1)
        loss += (1 - self.alpha) * ops.mean(ops.square(cumulative), axis=-1)
        if self.fermi_weight or self.band_weight:
            loss += self._fermi_terms(y_true, y_pred, electrons)
        return loss

    def _reference(self, y_true: Any, shape: tuple[int | None, ...]) -> tuple[Any, Any]:
        """DOS [B, bins] and electrons, one number or [B] or None."""
        found, bins = tuple(y_true.shape), shape[-1]
        if (
            (len(found), len(shape)) != (2, 2)
            or found[1] not in (bins, bins + 1)
            or (None not in (found[0], shape[0]) and found[0] != shape[0])
        ):
            raise InputError(
                f"DosLoss expects densities of states [batch, bins] (or one more, the electrons) "
                f"for predictions [batch, bins], not the shapes {found} and {tuple(shape)}."
            )
        if y_true.shape[-1] == bins + 1:
            return y_true[:, :-1], y_true[:, -1]
        return y_true, self.electrons

    def _fermi_terms(self, y_true: Any, y_pred: Any, electrons: Any) -> Any:
        if electrons is None:
            raise InputError("fermi_weight and band_weight need the electrons/atom.")
        bins = y_pred.shape[-1]
        if self._fermi is None or len(self._fermi.energies) != bins:
            energies = self.first_energy + self.bin_width * np.arange(bins)
            self._fermi = DifferentiableFermi(energies)
        electrons = ops.convert_to_tensor(electrons, dtype=y_pred.dtype)
        known = ops.logical_not(ops.isnan(electrons))
        electrons = ops.where(known, electrons, 1.0)
        true = self._fermi(y_true, electrons, ELECTRON_TOLERANCE)
        usable = ops.logical_and(true.reached, known)
        terms = 0.0
        if self.band_weight:
            below = ops.minimum(
                ops.cast(self._fermi.energies, y_pred.dtype) - true.fermi_level[:, None], 0.0
            )
            change = self.bin_width * ops.sum(below * (y_pred - y_true), axis=-1)
            terms += self.band_weight * ops.where(usable, ops.square(change), 0.0)
        if self.fermi_weight:
            found = self._fermi(y_pred, electrons)
            change = ops.square(found.fermi_level - true.fermi_level)
            both = ops.logical_and(usable, found.reached)
            terms += self.fermi_weight * ops.where(both, change, 0.0)
        return terms

    def get_config(self) -> dict:
        """Arguments that rebuild this loss."""
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "bin_width": self.bin_width,
            "fermi_weight": self.fermi_weight,
            "band_weight": self.band_weight,
            "first_energy": self.first_energy,
            "electrons": self.electrons,
        }
