"""Bolts, brackets, gears, pipe elbows and wheels, drawn at random as triangle meshes."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from csnn_tf.data.shape_mesh import (
    Triangles,
    box,
    cylinder,
    lathe,
    loft,
    move,
    on_circle,
    plate,
    rectangle,
    repeat_around,
    rotation,
    round_hole,
    strut,
    torus,
    tube,
)

_UPRIGHT = rotation(0, np.pi / 2)  # the axis of a gear or wheel from +y to horizontal


def bolt(rng: Generator) -> Triangles:
    """A six-sided head on a threaded shank; perhaps with a flange and a nut."""
    shank, length = rng.uniform(0.4, 0.62), rng.uniform(1.2, 4.5)
    head = rng.uniform(0.45, 0.95)
    pitch = rng.uniform(0.12, 0.24)
    threaded = length * rng.uniform(0.3, 1)
    turns = max(2, int(threaded / pitch))
    zigzag = [
        (shank * (0.84 if k % 2 else 1), threaded * k / (2 * turns)) for k in range(2 * turns + 1)
    ]
    parts = [
        lathe([(0, -0.1), (0.75 * shank, -0.1), *zigzag, (shank, length)], 20),
        cylinder(1, length, length + head, rng.uniform(0.85, 1), segments=6),
    ]
    if rng.random() < 0.45:
        wide = rng.uniform(1.15, 1.5)
        parts.append(cylinder(wide, length - rng.uniform(0.08, 0.16), length + 0.02))
    if length > 2 and rng.random() < 0.4:
        low = rng.uniform(0.1, 0.4) * length
        parts.append(cylinder(1, low, low + rng.uniform(0.5, 0.8), segments=6))
    return np.concatenate(parts)


def bracket(rng: Generator) -> Triangles:
    """Two plates with holes at a right angle; perhaps with ribs in the corner."""
    width, thick = rng.uniform(0.5, 1.6), rng.uniform(0.08, 0.2)
    arms = rng.uniform(0.9, 1.8), rng.uniform(0.9, 1.8)
    flat = _drilled(rng, arms[0], width, thick)
    upright = _drilled(rng, arms[1], width, thick)
    parts = [flat, upright[..., [1, 0, 2]]]
    ribs = int(rng.choice([0, 0, 1, 2]))
    reach = rng.uniform(0.35, 0.85) * min(arms)
    for place in {0: [], 1: [0.0], 2: [-0.45, 0.45]}[ribs]:
        z, half = place * width, 0.4 * thick
        corner = [(thick, thick), (reach, thick), (thick, reach)]
        parts.append(loft([[(x, y, z + s * half) for x, y in corner] for s in (-1, 1)]))
    return np.concatenate(parts)


def _drilled(rng: Generator, length: float, width: float, thick: float) -> Triangles:
    """A plate from x = 0 to `length`, of one to three cells with a hole each."""
    cells = int(rng.integers(1, 4))
    step = length / cells
    outline = rectangle(step, width)
    radius = min(step, width) * rng.uniform(0.15, 0.32)
    hole = round_hole(outline, radius)
    if rng.random() < 0.25:
        hole = hole * (1, min(1.6, 0.42 * width / radius))  # a slot
    parts = [
        move(plate(outline, 0, thick, hole, rim=False), offset=((k + 0.5) * step, 0, 0))
        for k in range(cells)
    ]
    edge = plate(rectangle(length, width, 1), 0, thick)[:8]  # the outer wall only
    return np.concatenate([*parts, move(edge, offset=(length / 2, 0, 0))])


def gear(rng: Generator) -> Triangles:
    """A toothed disc with a bore; perhaps with a hub and with round windows or spokes."""
    teeth, tall = int(rng.integers(7, 14)), rng.uniform(0.2, 0.34)
    half = rng.uniform(0.08, 0.3) * rng.choice([1, 1, 2])
    bore = rng.uniform(0.12, 0.3)
    outline = _teeth(teeth, tall, rng.uniform(0.35, 0.6))
    kind = rng.choice(["solid", "windows", "spokes"])
    inner = bore if kind == "solid" else rng.uniform(0.62, 0.7)
    parts = [plate(outline, -half, half, round_hole(outline, inner))]
    if kind != "solid":
        hub = bore + rng.uniform(0.1, 0.15)
        ring = on_circle(24, hub)[:, [0, 2]]
        parts.append(plate(ring, -half, half, round_hole(ring, bore)))
        arms, web = int(rng.integers(3, 7)), half * rng.uniform(0.4, 0.9)
        if kind == "spokes":
            arm = box(((hub + inner) / 2, 0, 0), (inner - hub, 2 * web, rng.uniform(0.12, 0.25)))
            parts.append(repeat_around(arm, arms))
        else:
            sector = _sector(arms, hub, inner)
            middle = ((hub + inner) / 2, 0)
            fits = 0.45 * min(inner - hub, 2 * middle[0] * np.sin(np.pi / arms))
            window = round_hole(sector, fits, middle)
            parts.append(repeat_around(plate(sector, -web, web, window, rim=False), arms))
    elif rng.random() < 0.4:  # a collar around the bore
        collar, ring = rng.uniform(0.2, 0.6), on_circle(24, 1)[:, [0, 2]]
        wide = bore + rng.uniform(0.1, 0.25)
        parts.append(plate(wide * ring, half, half + collar, bore * ring))
    if rng.random() < 0.35:  # a shaft
        below, above = half + rng.uniform(0.05, 1.3, 2)
        parts.append(cylinder(bore, -below, above, segments=16))
    return np.concatenate(parts) @ _UPRIGHT


def _teeth(count: int, tall: float, land: float) -> NDArray:
    """The outline [8 count, 2] of trapezoidal teeth around a circle of radius 1."""
    places = np.array([0, 0.09, 0.18, 0.5 - land / 4, 0.5, 0.5 + land / 4, 0.82, 0.91])
    radius = np.tile([1, 1, 1, 1 + tall, 1 + tall, 1 + tall, 1, 1], count)
    angle = 2 * np.pi * (np.arange(count)[:, None] + places).ravel() / count
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _sector(count: int, inner: float, outer: float) -> NDArray:
    """The outline [n, 2] of one of `count` sectors of a ring, about the x axis."""
    angle = np.linspace(-1, 1, 9) * np.pi / count
    arc = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([outer * arc, inner * arc[::-1]])


def pipe_elbow(rng: Generator) -> Triangles:
    """A hollow pipe with one bend; perhaps with flanges or collars at its ends."""
    bend, turn = rng.uniform(0.8, 1.7), np.radians(rng.uniform(60, 115))
    radius = rng.uniform(0.3, 0.6)
    ends = rng.uniform(0.15, 1.4, 2)
    angle = np.linspace(0, turn, 14)
    arc = bend * np.stack([1 - np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    leave = np.array([np.sin(turn), np.cos(turn), 0])
    curve = np.concatenate([[(0, -ends[0], 0)], arc, [arc[-1] + ends[1] * leave]])
    shrink = np.linspace(1, rng.choice([1, 1, rng.uniform(0.6, 0.8)]), len(curve))
    wall = rng.uniform(0.75, 0.9)
    parts = [
        tube(curve, radius * shrink, 20, caps=False),
        tube(curve, wall * radius * shrink, 20, caps=False),
    ]
    kind = rng.choice(["plain", "flange", "collar"])
    if kind != "plain":
        wide = rng.uniform(1.4, 1.8) if kind == "flange" else rng.uniform(1.2, 1.3)
        thick = rng.uniform(0.1, 0.16) if kind == "flange" else rng.uniform(0.3, 0.45)
        ring = on_circle(24, 1)[:, [0, 2]]
        rim = wide * ring
        first = plate(rim * radius, 0, thick, wall * radius * ring)
        parts.append(move(first, offset=curve[0]))
        if rng.random() < 0.8:
            last = plate(rim * radius * shrink[-1], -thick, 0, wall * radius * shrink[-1] * ring)
            parts.append(move(last, rotation(2, -turn), curve[-1]))
    return np.concatenate(parts)


def wheel(rng: Generator) -> Triangles:
    """A round tyre or felloe with a hub, joined by spokes, by wires or by a dished disc."""
    tyre = rng.uniform(0.06, 0.28)
    stretch = rng.uniform(0.8, 2.4) if tyre > 0.15 else 1  # a broad tyre
    parts = [torus(1 - tyre, tyre, sides=12) * (1, stretch, 1)]
    inner = 1 - 2 * tyre
    hub, half = rng.uniform(0.1, 0.3) * inner + 0.05, rng.uniform(0.08, 0.5)
    parts.append(cylinder(hub, -half, half, segments=20))
    kind = rng.choice(["spokes", "wires", "disc"])
    if kind == "spokes":
        thick, count = rng.uniform(0.05, 0.09), int(rng.integers(3, 11))
        spoke = strut((0, 0, 0), (inner + 0.5 * tyre, 0, 0), 1.4 * thick, thick, 4)
        parts.append(repeat_around(spoke, count))
    elif kind == "wires":
        count = int(rng.integers(9, 15))
        for side in (-1, 1):
            wire = strut((hub, side * half, 0), (inner + 0.5 * tyre, 0, 0), 0.025)
            parts.append(repeat_around(wire, count, side * np.pi / count / 2))
    else:
        dish = rng.uniform(-0.2, 0.2)
        parts.append(lathe([(hub, dish), (0.6 * inner, dish), (inner + tyre, 0)]))
    if rng.random() < 0.3:  # an axle
        parts.append(cylinder(0.7 * hub, 0, rng.uniform(0.5, 1.6), segments=16))
    return np.concatenate(parts) @ _UPRIGHT
