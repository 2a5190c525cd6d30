"""Parts of generate_carbon_dos.py: structures, molecular dynamics, tight binding, spectra."""
