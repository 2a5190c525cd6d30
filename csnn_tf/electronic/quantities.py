"""Cumulative DOS, Fermi level and band energy of densities of states."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.checks import check_array
from csnn_tf.electronic.published import scan_fermi
from csnn_tf.electronic.spline import DosSpline, check_grid
from csnn_tf.errors import InputError

Convention = Literal["spline", "published"]
#: Electrons/atom that a reference DOS may lack to its electron count.
ELECTRON_TOLERANCE = 0.01
_CHUNK = 1024  # DOS curves solved at once, 10 MB of spline coefficients


class FermiSolution(NamedTuple):
    """Fermi level (eV) and band energy (eV/atom) of the same DOS curves."""

    fermi_level: NDArray
    band_energy: NDArray


def cumulative_dos(
    energies: ArrayLike, dos: ArrayLike, convention: Convention = "spline"
) -> NDArray:
    r"""States up to each bin's energy.

    $F(e_i) = \int_{-\infty}^{e_i} DOS(\epsilon)\,d\epsilon$ on the cubic spline of the bins, or in
    the published convention (the target of the loss, equation 15) the running sum of the bins
    times the bin width.

    Args:
        energies: [bins], eV, increasing.
        dos: [..., bins], states/eV/atom, both spins.
        convention: "spline" or "published" (evenly spaced bins).

    Returns:
        [..., bins], states/atom.

    Raises:
        InputError: The arrays do not belong together, or the convention is unknown.
    """
    energies, dos = check_grid(energies, dos)
    _check_convention(convention)
    if convention == "published":
        return np.cumsum(dos, axis=-1) * (energies[1] - energies[0])
    flat = dos.reshape(-1, energies.size)
    parts = [
        DosSpline(energies, flat[first : first + _CHUNK]).cumulative
        for first in range(0, len(flat), _CHUNK)
    ]
    return np.concatenate(parts).reshape(dos.shape) if parts else np.zeros(dos.shape)


def held_electrons(energies: ArrayLike, dos: ArrayLike, electrons: ArrayLike) -> NDArray:
    """Electron counts [...] that reference DOS have room for, of those that they should hold.

    One that lacks up to `ELECTRON_TOLERANCE`, as data may, counts as full with what it holds.

    Args:
        energies: [bins], eV, increasing.
        dos: [..., bins], states/eV/atom, both spins.
        electrons: Electrons/atom, a number or an array that broadcasts to the leading axes of dos.

    Raises:
        InputError: Arrays that do not belong together, or electrons that are not positive.
    """
    energies, dos = check_grid(energies, dos)
    shape = dos.shape[:-1]
    count = _per_curve(electrons, shape, "electrons").reshape(shape)
    return _held(cumulative_dos(energies, dos), count)


def out_of_reach_if_unknown(electrons: ArrayLike) -> NDArray:
    """Electron counts, infinite where they are NaN: no DOS reaches those, so none has a level."""
    electrons = check_array("electrons", electrons)
    return np.where(np.isnan(electrons), np.inf, electrons)


def solve_fermi(
    energies: ArrayLike,
    dos: ArrayLike,
    electrons: ArrayLike,
    *,
    convention: Convention = "spline",
    atoms: ArrayLike = 1,
    role: Literal["reference", "prediction"] = "reference",
) -> FermiSolution:
    r"""Fermi level and band energy, both from one solution.

    The Fermi level is the lowest energy where the cumulative DOS reaches the electron count,
    $\int_{-\infty}^{E_F} DOS = N$, and the band energy is the paper's equation 14,
    $E_{band} = \int_{-\infty}^{E_F} DOS(\epsilon)\,\epsilon\,d\epsilon$. Both are exact on the
    cubic spline through the bins. A DOS that never reaches the count within its bins, or that holds
    a NaN, gives NaN for both, but for a reference that lacks up to 0.01 electrons/atom, which is
    full with what it holds (see `held_electrons`). In a band gap the Fermi level hangs on the last
    digits of the count (any energy in the gap fits); the band energy does not.

    Args:
        energies: [bins], eV from the vacuum level, increasing.
        dos: [..., bins], states/eV/atom, both spins.
        electrons: Electrons/atom, a number or an array that broadcasts to the leading axes of dos.
        convention: "spline", or "published" for the authors' scan of a 0.01 eV grid.
        atoms: Atoms in each cell; only the published convention uses it, whose tolerance of 0.005
            electrons is for the whole cell.
        role: "reference" or "prediction"; of the latter no electrons may be lacking, and the
            published convention takes their band energies one step apart.

    Returns:
        Fermi level [...] in eV and band energy [...] in eV/atom.

    Raises:
        InputError: Arrays that do not belong together, electrons that are not positive, an unknown
            option, or bins that hold no two steps of the published convention's grid.

    Example:
        >>> import numpy as np
        >>> energies = np.linspace(-2.0, 2.0, 41)
        >>> level, band = solve_fermi(energies, np.ones(41), electrons=1.0)
        >>> round(float(level), 6), round(float(band), 6)
        (-1.0, -1.5)
    """
    energies, dos = check_grid(energies, dos)
    _check_convention(convention)
    if role not in ("reference", "prediction"):
        raise InputError(f"role is {role!r}; expected 'reference' or 'prediction'.")
    shape = dos.shape[:-1]
    count = _per_curve(electrons, shape, "electrons")
    cell = _per_curve(atoms, shape, "atoms")
    flat = dos.reshape(-1, energies.size)
    if convention == "published":
        level, band = scan_fermi(energies, flat, count, cell, role)
        return FermiSolution(level.reshape(shape)[()], band.reshape(shape)[()])
    level, band = np.empty(len(flat)), np.empty(len(flat))
    for first in range(0, len(flat), _CHUNK):
        part = slice(first, first + _CHUNK)
        spline = DosSpline(energies, flat[part])
        wanted = _held(spline.cumulative, count[part]) if role == "reference" else count[part]
        level[part], band[part] = spline.solve(wanted)
    return FermiSolution(level.reshape(shape)[()], band.reshape(shape)[()])


def _held(cumulative: NDArray, count: NDArray) -> NDArray:
    """`held_electrons` of running sums [..., bins]."""
    held = cumulative.max(axis=-1)
    return np.where((held < count) & (held >= count - ELECTRON_TOLERANCE), held, count)


def fermi_level(energies: ArrayLike, dos: ArrayLike, electrons: ArrayLike, **options) -> NDArray:
    """Fermi level [...] in eV; arguments and options of `solve_fermi`."""
    return solve_fermi(energies, dos, electrons, **options).fermi_level


def band_energy(energies: ArrayLike, dos: ArrayLike, electrons: ArrayLike, **options) -> NDArray:
    """Band energy [...] in eV/atom (equation 14); arguments and options of `solve_fermi`."""
    return solve_fermi(energies, dos, electrons, **options).band_energy


def _check_convention(convention: str) -> None:
    if convention not in ("spline", "published"):
        raise InputError(f"convention is {convention!r}; expected 'spline' or 'published'.")


def _per_curve(values: ArrayLike, shape: tuple[int, ...], name: str) -> NDArray:
    """Broadcast positive `values` to one number per DOS curve, flattened."""
    values = check_array(name, values)
    try:
        full = np.broadcast_to(values, shape).reshape(-1)
    except ValueError:
        raise InputError(
            f"{name} has shape {values.shape}, which does not fit the leading axes {shape} of dos."
        ) from None
    if not (full > 0).all():
        raise InputError(f"{name} must be positive numbers per atom or cell.")
    return full
