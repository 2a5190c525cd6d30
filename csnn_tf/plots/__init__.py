"""Pictures, each a function of arrays that returns a figure; they need the extra `plot`."""
