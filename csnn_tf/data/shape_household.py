"""Bottles, bowls, lamps and mugs, drawn at random as triangle meshes."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from csnn_tf.data.shape_mesh import (
    Triangles,
    cylinder,
    lathe,
    move,
    on_circle,
    plate,
    rectangle,
    rotation,
    strut,
    tube,
)


def bottle(rng: Generator) -> Triangles:
    """A body with a shoulder and a narrow neck; round or square, perhaps with cap or waist."""
    body, shoulder = rng.uniform(0.8, 3.8), rng.uniform(0.15, 1.5)
    neck, length = rng.uniform(0.2, 0.5), rng.uniform(0.35, 1.8)
    rise = np.linspace(0, 1, 9)
    bend = rng.choice([1.0, 2.0, 3.0])  # straight shoulder, or rounder and rounder
    slope = 1 - (1 - neck) * rise if bend == 1 else neck + (1 - neck) * (1 - rise**bend)
    wall = _waist(rng, body) if rng.random() < 0.3 else np.array([(1, 0), (1, body)])
    wall[:, 0] *= np.interp(wall[:, 1], [0, body], [rng.uniform(0.75, 1), 1])
    top = body + shoulder + length
    neck_line = [(neck, top), (0.8 * neck, top)]
    if rng.random() < 0.5:
        cap = neck * rng.uniform(1.1, 1.5)
        low = top - length * rng.uniform(0.3, 0.6)
        neck_line = [(neck, low), (cap, low), (cap, top), (0, top)]
    profile = [(0, 0), *wall, *np.stack([slope, body + shoulder * rise], axis=1), *neck_line]
    mesh = lathe(profile)
    if rng.random() < 0.25:  # a square flask: the body's circle becomes a rounded square
        mesh = _square(mesh, low=1.2 * neck)
    return mesh * (1, 1, rng.choice([1, 1, 1, rng.uniform(0.55, 0.8)]))


def _waist(rng: Generator, body: float) -> NDArray:
    """A wall [n, 2] with one to three grooves."""
    height = np.linspace(0, 1, 25)
    groove = np.cos(2 * np.pi * height * rng.integers(1, 4))
    return np.stack([1 - rng.uniform(0.06, 0.13) * (1 - groove), body * height], axis=1)


def _square(mesh: Triangles, low: float) -> Triangles:
    """Pushes what is further from the axis than `low` outwards to a rounded square."""
    flat = mesh[..., [0, 2]]
    radius = np.linalg.norm(flat, axis=-1, keepdims=True)
    square = np.linalg.norm(flat, ord=6, axis=-1, keepdims=True)
    stretch = radius / np.maximum(square, 1e-9)
    share = np.clip((radius - low) / (1 - low), 0, 1)
    mesh = mesh.copy()
    mesh[..., [0, 2]] = flat * (1 + share * (stretch - 1))
    return mesh


def bowl(rng: Generator) -> Triangles:
    """An open vessel, with a wide mouth and an inner wall; perhaps with a foot and a rim."""
    depth, base = rng.uniform(0.35, 1.25), rng.uniform(0.15, 0.65)
    bulge, wall = rng.uniform(1, 3.2), rng.uniform(0.03, 0.1)
    rise = np.linspace(0, 1, 14)
    radius = base + (1 - base) * (1 - (1 - rise) ** bulge) ** (1 / rng.uniform(1, 1.5))
    outer = np.stack([radius, depth * rise], axis=1)
    inner = np.stack([radius * (1 - wall), wall + (depth - wall) * rise], axis=1)[::-1]
    lip = []
    if rng.random() < 0.3:
        wide = rng.uniform(1.1, 1.35)
        lip = [(wide, depth * 1.02), (wide, depth * 1.02 + wall / 2)]
    parts = [lathe([(0, 0), *outer, *lip, *inner, (0, wall)])]
    if rng.random() < 0.5:
        foot, drop = base * rng.uniform(0.7, 1), rng.uniform(0.06, 0.45)
        spread = foot * rng.uniform(1, 1.4)
        parts.append(cylinder(spread, -drop, 0.02, foot, caps=rng.random() < 0.5))
    return np.concatenate(parts)


def mug(rng: Generator) -> Triangles:
    """An open cup with an inner wall and one handle at its side."""
    height, wall = rng.uniform(0.95, 3.1), rng.uniform(0.05, 0.12)
    rise = np.linspace(0, 1, 12)
    belly = rng.choice([0, 0, 1]) * rng.uniform(0.08, 0.3) * np.sin(np.pi * rise)
    radius = (rng.uniform(0.5, 1.15) * (1 - rise) + rise) + belly
    outer = np.stack([radius, height * rise], axis=1)
    inner = np.stack([radius - wall, wall + (height - wall) * rise], axis=1)[::-1]
    parts = [lathe([(0, 0), *outer, *inner, (0, wall)])]
    span = height * rng.uniform(0.5, 0.8)
    reach = rng.uniform(0.5, 1)
    middle = height * rng.uniform(0.48, 0.56)
    turn = np.linspace(-0.5, 0.5, 17) * np.pi
    squareness = rng.uniform(0.45, 1)  # below 1 the half circle becomes a D
    bow = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    bow = np.sign(bow) * np.abs(bow) ** squareness
    level = middle + bow[:, 1] * span / 2
    start = np.interp(level, height * rise, radius) - wall / 2
    curve = np.stack([start.min() + bow[:, 0] * (reach + np.ptp(start)), level], axis=1)
    curve[[0, -1], 0] = start[[0, -1]]
    curve = np.concatenate([curve, np.zeros((len(curve), 1))], axis=1)
    parts.append(tube(curve, rng.uniform(0.09, 0.17), sides=8))
    if rng.random() < 0.3:  # a saucer
        foot, wide, lift = radius[0], rng.uniform(1.4, 1.9), rng.uniform(0.08, 0.25)
        parts.append(lathe([(0, -0.06), (foot, -0.06), (wide, lift), (foot, -0.01), (0, -0.01)]))
    return np.concatenate(parts)


def lamp(rng: Generator) -> Triangles:
    """A shade, open at both ends, on a pole with a base; or a desk lamp with a bent arm."""
    return _desk_lamp(rng) if rng.random() < 0.35 else _standing_lamp(rng)


def _base(rng: Generator, reach: float) -> Triangles:
    kind = rng.choice(["disc", "cone", "square"])
    thick = rng.uniform(0.08, 0.2)
    if kind == "square":
        return plate(rectangle(1.7 * reach, 1.7 * reach, 1), 0, thick)
    return cylinder(reach, 0, thick if kind == "disc" else 2 * thick, reach * rng.uniform(0.2, 0.9))


def _standing_lamp(rng: Generator) -> Triangles:
    height = rng.uniform(1.6, 4.2)
    deep = rng.uniform(0.7, 1.3)
    low, high = rng.uniform(0.7, 1.1), rng.uniform(0.3, 1)
    rise = np.linspace(0, 1, 9)
    shade = low + (high - low) * rise ** rng.uniform(0.7, 2)
    parts = [lathe(np.stack([shade, height - 0.75 * deep + deep * rise], axis=1))]
    pole = rng.uniform(0.05, 0.11)
    if rng.random() < 0.25:
        hub = 0.7 * height
        for foot in on_circle(3, rng.uniform(0.7, 1)):
            parts.append(strut((0, hub, 0), foot, pole))
        parts.append(cylinder(pole, hub, height, segments=12))
        return np.concatenate(parts)
    parts.append(_base(rng, rng.uniform(0.45, 0.8)))
    if height < 2.6 and rng.random() < 0.5:  # a vase for a foot
        body = 0.1 + rng.uniform(0.25, 0.45) * np.sin(np.pi * rise) ** rng.uniform(0.6, 1.5)
        parts.append(lathe(np.stack([body, 0.05 + (height - 0.8 * deep) * rise], axis=1)))
    parts.append(cylinder(pole, 0, height, segments=12))
    return np.concatenate(parts)


def _desk_lamp(rng: Generator) -> Triangles:
    lower, upper = rng.uniform(1.1, 1.8), rng.uniform(0.9, 1.7)
    lean, bend = rng.uniform(-0.5, 0.3), rng.uniform(0.9, 1.6)
    arm = rng.uniform(0.06, 0.1)
    elbow = lower * np.array([np.sin(lean), np.cos(lean), 0])
    tip = elbow + upper * np.array([np.sin(bend), np.cos(bend), 0])
    head = cylinder(rng.uniform(0.45, 0.65), -rng.uniform(0.5, 0.8), 0, 0.18, caps=False)
    parts = [
        _base(rng, rng.uniform(0.5, 0.75)),
        strut((0, 0, 0), elbow, arm),
        strut(elbow, tip, arm),
        move(head, rotation(2, rng.uniform(0, 0.8)), tip),
    ]
    return np.concatenate(parts)
