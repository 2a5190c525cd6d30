"""Fermi level, band energy and errors of an electronic density of states (DOS).

Units everywhere: energies in eV, zero at the vacuum level; DOS in states/eV/atom, both spins
counted; electron counts and cumulative DOS per atom (a caller who works with the DOS of a whole
cell passes the electrons of the whole cell, and gets the band energy of the whole cell).
"""

from csnn_tf.electronic.metrics import (
    CHEMICAL_ACCURACY,
    DosErrors,
    DosReport,
    dos_report,
    format_table,
)
from csnn_tf.electronic.quantities import (
    FermiSolution,
    band_energy,
    cumulative_dos,
    fermi_level,
    solve_fermi,
)
from csnn_tf.electronic.yardsticks import mean_dos_predictions, yardstick_reports

__all__ = [
    "CHEMICAL_ACCURACY",
    "DosErrors",
    "DosReport",
    "FermiSolution",
    "band_energy",
    "cumulative_dos",
    "dos_report",
    "fermi_level",
    "format_table",
    "mean_dos_predictions",
    "solve_fermi",
    "yardstick_reports",
]
