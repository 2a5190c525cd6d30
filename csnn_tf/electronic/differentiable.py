"""Fermi level and band energy in keras.ops, differentiable with respect to the DOS."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from csnn_tf.electronic.spline import check_grid, cubic_integral, cubic_moment, cubic_value
from csnn_tf.errors import InputError
from csnn_tf.layers.precision import as_float

# Bring a bin to 1/64 of its width, where Newton's steps double the digits: below float32.
_BISECTIONS, _NEWTON_STEPS = 6, 3


class FermiTensors(NamedTuple):
    """Fermi level [B] (eV), band energy [B] (eV/atom) and whether the count was reached [B]."""

    fermi_level: Any
    band_energy: Any
    reached: Any


class DifferentiableFermi:
    r"""The quantities of `solve_fermi` as a function that training can differentiate.

    A cubic spline depends linearly on its bins, so its slopes, its cumulative DOS F and its energy
    moment M at the bins are fixed [bins, bins] matrices times the DOS. Inside the segment where F
    reaches the electron count N the root is found without gradient, and one Newton step from it,
    $E_F = e^* - (F(e^*) - N) / DOS(e^*)$, carries the exact implicit gradient.

    Args:
        energies: [bins], eV, evenly spaced.
        min_dos: Smallest DOS(E_F) in the Newton step's division, states/eV/atom. In a band gap the
            Fermi level has no finite derivative; this bounds it.

    Raises:
        InputError: Energies that are not evenly spaced.

    Example:
        >>> import numpy as np
        >>> fermi = DifferentiableFermi(np.linspace(-2.0, 2.0, 41))
        >>> result = fermi(np.ones((1, 41), "float32"), electrons=2.0)
        >>> round(float(result.band_energy[0]), 3)
        -2.0
    """

    def __init__(self, energies: ArrayLike, min_dos: float = 1e-3) -> None:
        from scipy.interpolate import CubicSpline

        energies, identity = check_grid(energies, np.eye(np.size(energies)))
        width = np.diff(energies)
        if not np.allclose(width, width[0], rtol=1e-6, atol=0):
            raise InputError("energies must be evenly spaced for DifferentiableFermi.")
        h = self.bin_width = float(np.mean(width))
        self.energies = energies
        self.min_dos = min_dos
        # Hermite form: row j holds what a one in bin j contributes.
        slopes = CubicSpline(energies, identity)(energies, 1)
        y0, y1, s0, s1 = identity[:, :-1], identity[:, 1:], slopes.T[:, :-1], slopes.T[:, 1:]
        area = h / 2 * (y0 + y1) + h**2 / 12 * (s0 - s1)
        first = h**2 * (3 * y0 + 7 * y1) / 20 + h**3 * (2 * s0 - 3 * s1) / 60
        moment = energies[:-1] * area + first
        self._slopes = slopes.T
        self._cumulative = np.pad(np.cumsum(area, axis=1), ((0, 0), (1, 0)))
        self._moment = np.pad(np.cumsum(moment, axis=1), ((0, 0), (1, 0)))

    def __call__(self, dos: Any, electrons: Any, tolerance: float = 0.0) -> FermiTensors:
        """Solve for a batch of DOS curves.

        Args:
            dos: [B, bins], states/eV/atom, both spins.
            electrons: Electrons/atom, a number or [B].
            tolerance: Electrons/atom that a curve may lack and still count as reaching them, at
                the last bin.

        Returns:
            Fermi level and band energy, and the mask of curves that reach the count. Where one does
            not, both values belong to the last bin: mask them (they stay finite, so that gradients
            do).

        Raises:
            InputError: DOS or electrons of another shape.
        """
        dos = self._densities(dos)
        dtype = keras.backend.standardize_dtype(dos.dtype)
        cumulative = ops.matmul(dos, self._constant(self._cumulative, dtype))
        moment = ops.matmul(dos, self._constant(self._moment, dtype))
        slopes = ops.matmul(dos, self._constant(self._slopes, dtype))
        count = self._counts(electrons, dos)

        full = ops.cast(cumulative[:, 1:] >= count[:, None], "int32")
        reached = ops.any(full > 0, axis=-1)
        last = len(self.energies) - 2
        segment = ops.where(reached, ops.argmax(full, axis=-1), last)

        def at(values: Any, shift: int = 0) -> Any:
            index = ops.expand_dims(segment + shift, -1)
            return ops.squeeze(ops.take_along_axis(values, index, axis=-1), -1)

        cubic = _power_form(at(dos), at(dos, 1), at(slopes), at(slopes, 1), self.bin_width)
        missing = count - at(cumulative)
        start = ops.take(self._constant(self.energies, dtype), segment)
        t = self._root([ops.stop_gradient(c) for c in cubic], ops.stop_gradient(missing))
        t = ops.where(reached, t, self.bin_width)
        density = ops.stop_gradient(cubic_value(cubic, t))
        newton = (cubic_integral(cubic, t) - missing) / ops.maximum(density, self.min_dos)
        t = t - ops.where(reached, newton, 0.0)
        band = at(moment) + start * cubic_integral(cubic, t) + cubic_moment(cubic, t)
        enough = ops.any(cumulative[:, 1:] >= count[:, None] - tolerance, axis=-1)
        return FermiTensors(start + t, band, enough)

    def _densities(self, dos: Any) -> Any:
        """DOS [B, bins] as floating-point numbers."""
        dos = ops.convert_to_tensor(dos)
        shape, bins = tuple(dos.shape), len(self.energies)
        if len(shape) != 2 or shape[1] not in (bins, None):
            raise InputError(
                f"DifferentiableFermi expects densities of states [batch, {bins}], not the shape "
                f"{shape}."
            )
        return as_float(dos, keras.config.floatx())

    def _counts(self, electrons: Any, dos: Any) -> Any:
        """Electrons [B] of DOS [B, bins]."""
        electrons = ops.convert_to_tensor(electrons, dtype=dos.dtype)
        shape, batch = tuple(electrons.shape), dos.shape[0]
        if shape not in ((), (1,), (batch,)) and not (len(shape) == 1 and None in (*shape, batch)):
            raise InputError(f"electrons must be a number or [{batch}], not the shape {shape}.")
        return electrons * ops.ones_like(dos[:, 0])

    def _constant(self, values: np.ndarray, dtype: str) -> Any:
        return ops.convert_to_tensor(values, dtype=dtype)

    def _root(self, cubic: list[Any], missing: Any) -> Any:
        low = ops.zeros_like(missing)
        width = self.bin_width
        for _ in range(_BISECTIONS):
            width /= 2
            low = ops.where(cubic_integral(cubic, low + width) < missing, low + width, low)
        t = low + width / 2
        for _ in range(_NEWTON_STEPS):
            step = (cubic_integral(cubic, t) - missing) / ops.maximum(
                cubic_value(cubic, t), self.min_dos
            )
            t = ops.clip(t - step, low, low + width)
        return t


def _power_form(y0: Any, y1: Any, s0: Any, s1: Any, h: float) -> list[Any]:
    """Coefficients, lowest power first, of the cubic with these end values and slopes."""
    return [y0, s0, (3 * (y1 - y0) / h - 2 * s0 - s1) / h, (2 * (y0 - y1) / h + s0 + s1) / h**2]
