"""Durations in words."""


def duration(seconds: float) -> str:
    """A duration in seconds, minutes or hours, whichever fits."""
    if seconds < 100:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 6000 else f"{seconds / 3600:.1f} hours"
