"""Airplanes and cars, drawn at random as triangle meshes."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from csnn_tf.data.shape_mesh import Triangles, box, cylinder, lathe, loft, move, rotation


def _wing(
    root: tuple[float, float, float],
    span: float,
    chord: float,
    taper: float,
    sweep: float,
    rise: float,
) -> Triangles:
    """A tapered wing along +x; `root` is the front of its root, which points to +z."""
    x, y, z = root
    rings = []
    for part, size in ((0.0, chord), (1.0, chord * taper)):
        front = np.array([x + part * span, y + part * rise, z - part * sweep])
        thick = 0.06 * size
        corners = [(0, -thick, -0.2), (0, thick, -0.2), (0, thick, -0.7), (0, 0, -1)]
        rings.append([front] + [front + np.array([a, b, c * size]) for a, b, c in corners])
    return loft(rings)


def _pair(half: Triangles) -> list[Triangles]:
    return [half, half * (-1, 1, 1)]


def airplane(rng: Generator) -> Triangles:
    """A fuselage with wings and a tail: an airliner, a propeller plane or a delta-winged jet."""
    kind = rng.choice(["airliner", "propeller", "delta"])
    radius, length = rng.uniform(0.12, 0.24), rng.uniform(1.4, 2.5)
    nose, tail = rng.uniform(0.12, 0.3), rng.uniform(0.6, 1.1)
    blunt = [(radius * np.sqrt(part), 1 - nose * part) for part in (0, 0.1, 0.4, 1)]
    profile = [*blunt, (radius, tail - 1), (0.25 * radius, -1), (0, -1)]
    body = move(lathe(profile, 20), rotation(0, np.pi / 2))
    parts = [body]
    low = rng.choice([-0.7, 0, 0.8]) * radius
    if kind == "delta":
        chord, span = rng.uniform(0.9, 1.3), rng.uniform(0.6, 0.9)
        root = (0.5 * radius, low / 2, -1 + chord)
        parts += _pair(_wing(root, span, chord, rng.uniform(0.05, 0.3), 0.7 * chord, 0))
        reach, chord = 0, 0.3
    else:
        sweep = rng.uniform(0.3, 0.75) if kind == "airliner" else rng.uniform(-0.02, 0.12)
        span, chord = rng.uniform(0.75, 1.25), rng.uniform(0.28, 0.5)
        place = rng.uniform(0.1, 0.45)
        taper, rise = rng.uniform(0.3, 0.9), rng.uniform(0, 0.15)
        root = (0.5 * radius, low, place)
        parts += _pair(_wing(root, span, chord, taper, sweep, rise))
        if kind == "propeller" and rng.random() < 0.4:
            root = (0.0, low + rng.uniform(0.3, 0.45), place + rng.uniform(0, 0.1))
            parts += _pair(_wing(root, span, chord, taper, sweep, rise))
            post = box((0.6 * span, low + 0.2 + rise / 2, place - 0.5 * chord), (0.04, 0.42, 0.04))
            parts += _pair(post)
        reach, chord = rng.uniform(0.35, 0.5), rng.uniform(0.2, 0.3)
    if kind == "propeller":
        blade = box((0, 0, 1.02), (rng.uniform(0.4, 0.6), 0.06, 0.03))
        parts += [blade, move(blade, rotation(2, np.pi / 2))]
    elif rng.random() < 0.75:
        engine = move(cylinder(0.35 * radius + 0.03, 0, 0.35), rotation(0, np.pi / 2))
        if kind == "airliner":
            for share in (0.35, 0.6)[: rng.integers(1, 3)]:
                spot = (share * span, low - 0.09 + share * rise, place - share * sweep - 0.1)
                parts += _pair(move(engine, offset=spot))
        else:
            parts += _pair(move(engine, offset=(0.5 * radius, 0, -1.1)))
    fin = rng.uniform(0.3, 0.5)
    upright = rotation(2, np.pi / 2)
    parts.append(move(_wing((0, 0, 0), fin, 0.36, 0.5, 0.2, 0), upright, (0, 0.3 * radius, -0.7)))
    if reach:
        high = fin if rng.random() < 0.3 else 0.3 * radius  # a T-shaped tail
        spot = (0, high, -0.75 - (0.15 if high == fin else 0))
        parts += _pair(_wing(spot, reach, chord, 0.6, 0.15, 0))
    return np.concatenate(parts) * (1, 1, length / 2)


def car(rng: Generator) -> Triangles:
    """A body with a cabin on four wheels: a saloon, hatchback, van or pickup."""
    kind = rng.choice(["saloon", "hatchback", "van", "pickup"])
    length, width = rng.uniform(1.5, 2.8), rng.uniform(0.7, 1.05)
    sill, belt = rng.uniform(0.2, 0.3), rng.uniform(0.48, 0.6)
    roof = belt + (rng.uniform(0.35, 0.75) if kind == "van" else rng.uniform(0.2, 0.34))
    half = length / 2
    hood = rng.uniform(0.82, 0.95)  # the bonnet's height at its front, of the belt's
    side = [(-half, sill), (half, sill), (half, hood * belt), (0.4 * half, belt), (-half, belt)]
    parts = [_slab(side, width)]
    rear, front = {
        "saloon": (-0.75, 0.4),
        "hatchback": (-0.98, 0.35),
        "van": (-0.99, rng.uniform(0.6, 0.9)),
        "pickup": (-0.15, 0.5),
    }[kind]
    slant_rear = rng.uniform(0.02, 0.1) if kind == "van" else rng.uniform(0.1, 0.35)
    slant_front = rng.uniform(0.2, 0.4)
    cabin = [
        (rear * half, belt),
        (front * half, belt),
        ((front - slant_front) * half, roof),
        ((rear + slant_rear) * half, roof),
    ]
    parts.append(_slab(cabin, width, narrow=rng.uniform(0.7, 0.92)))
    if kind == "pickup":
        wall = 0.16
        for x in (-1, 1):
            spot = (x * 0.47 * width, belt + wall / 2, -0.57 * half)
            parts.append(box(spot, (0.05, wall, 0.84 * half)))
        parts.append(box((0, belt + wall / 2, -0.98 * half), (width, wall, 0.05)))
    radius = rng.uniform(0.19, 0.28)
    thick = rng.uniform(0.14, 0.24)
    tyre = move(cylinder(radius, -thick / 2, thick / 2, segments=20), rotation(2, np.pi / 2))
    for z in (rng.uniform(-0.66, -0.56) * half, rng.uniform(0.56, 0.68) * half):
        for x in (-1, 1):
            parts.append(move(tyre, offset=(x * (width - 0.2 * thick) / 2, radius, z)))
    return np.concatenate(parts)


def _slab(side: list[tuple[float, float]], width: float, narrow: float = 1.0) -> Triangles:
    """A side view of (z, y) corners given a width; `narrow` is the share kept at the top."""
    low, high = min(y for _, y in side), max(y for _, y in side)
    rings = []
    for sign in (-1, 1):
        ring = []
        for z, y in side:
            share = 1 - (1 - narrow) * (y - low) / (high - low)
            ring.append((sign * width / 2 * share, y, z))
        rings.append(ring)
    return loft(rings)
