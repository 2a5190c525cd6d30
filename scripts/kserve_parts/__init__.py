"""Parts of serve_kserve.py: JSON as arrays, and which requests are let through."""
