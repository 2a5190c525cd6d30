"""Bookshelves, chairs, ladders, stools and tables, drawn at random as triangle meshes."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from csnn_tf.data.shape_mesh import (
    Triangles,
    box,
    cylinder,
    loft,
    move,
    on_circle,
    plate,
    rectangle,
    repeat_around,
    rotation,
    strut,
    torus,
)


def bookshelf(rng: Generator) -> Triangles:
    """Two sides, shelves, and perhaps a back, dividers, a door and rows of books."""
    width, height, depth = rng.uniform(0.6, 1.9), rng.uniform(1.1, 2.6), rng.uniform(0.28, 0.6)
    wall = rng.uniform(0.03, 0.06)
    floors = np.linspace(rng.uniform(0.04, 0.2), height - wall / 2, rng.integers(3, 7))
    columns = 1 + int(rng.integers(0, 3) if width > 1 else 0)
    posts = np.linspace(-width / 2, width / 2, columns + 1)
    parts = [
        box(
            [(0, floor, 0) for floor in floors],
            [(width, wall, depth)] * len(floors),
        ),
        box(
            [(post, height / 2, 0) for post in posts],
            [(wall, height, depth)] * len(posts),
        ),
    ]
    if rng.random() < 0.4:
        parts.append(box((0, height / 2, -depth / 2), (width, height, wall / 2)))
    if rng.random() < 0.25:  # a cupboard's door in front of the lowest row
        door = floors[1] - floors[0]
        parts.append(box((0, floors[0] + door / 2, depth / 2), (width, door, wall / 2)))
    filled = rng.choice([0, 0, 0.3, 0.6])
    for below, above in zip(floors[:-1], floors[1:], strict=True):
        for left in posts[:-1]:
            if rng.random() < filled:
                corner = (left + wall, below + wall / 2)
                room = (posts[1] - posts[0] - 2 * wall, above - below)
                parts.append(_books(rng, corner, room, depth))
    return np.concatenate(parts)


def _books(
    rng: Generator, corner: tuple[float, float], room: tuple[float, float], depth: float
) -> Triangles:
    """A row of books from a corner (x, y) of a shelf's free space of (width, height) `room`."""
    count, filled = int(rng.integers(3, 7)), room[0] * rng.uniform(0.4, 1)
    widths = filled * rng.dirichlet(np.full(count, 6.0))
    heights = room[1] * rng.uniform(0.5, 0.85, count)
    middles = corner[0] + np.cumsum(widths) - widths / 2
    centres = np.stack([middles, corner[1] + heights / 2, np.full(count, -0.1 * depth)], axis=1)
    return box(centres, np.stack([widths, heights, np.full(count, 0.65 * depth)], axis=1))


def chair(rng: Generator) -> Triangles:
    """A seat with a back, on legs, a pedestal or runners; perhaps with arms and stretchers."""
    width, depth = rng.uniform(0.85, 1.25), rng.uniform(0.85, 1.15)
    seat, thickness = rng.uniform(0.6, 1.15), rng.uniform(0.06, 0.22)
    back, tilt = rng.uniform(0.75, 1.6), rng.uniform(0, 0.3)
    parts = [box((0, seat - thickness / 2, 0), (width, thickness, depth))]
    parts.append(move(_back(rng, width, back), rotation(0, -tilt), (0, seat, -0.46 * depth)))
    kind = rng.choice(["legs", "legs", "legs", "pedestal", "runners"])
    below = seat - thickness
    if kind == "pedestal":
        parts += _pedestal(rng, below, 0.5 * min(width, depth))
    elif kind == "runners":
        bar = rng.uniform(0.06, 0.12)
        for side in (-1, 1):
            x = side * (width - bar) / 2
            parts.append(box((x, bar / 2, 0), (bar, bar, depth)))
            parts.append(box((x, below / 2, -0.4 * depth), (bar, below, bar)))
            parts.append(box((x, below / 2, 0.4 * depth), (bar, below, bar)))
    else:
        parts += _four_legs(rng, 0.44 * width, 0.44 * depth, below)
    if rng.random() < 0.35:
        rise, bar = rng.uniform(0.25, 0.45), rng.uniform(0.06, 0.14)
        for side in (-1, 1):
            x = side * (width / 2)
            parts.append(box((x, seat + rise, 0), (bar, 0.06, 0.9 * depth)))
            parts.append(box((x, seat + rise / 2, 0.35 * depth), (bar, rise, 0.08)))
    return np.concatenate(parts)


def _back(rng: Generator, width: float, height: float) -> Triangles:
    """A chair's back, standing on the origin: a panel, slats, rails or a panel on two posts."""
    kind = rng.choice(["panel", "slats", "rails", "raised"])
    deep = rng.uniform(0.05, 0.14)
    if kind == "panel":
        low, high = width, width * rng.uniform(0.6, 1)
        outline = [(-low / 2, 0), (low / 2, 0), (high / 2, height), (-high / 2, height)]
        return loft([[(x, y, z) for x, y in outline] for z in (-deep / 2, deep / 2)])
    posts = [box((s * (width - deep) / 2, height / 2, 0), (deep, height, deep)) for s in (-1, 1)]
    if kind == "raised":
        panel = height * rng.uniform(0.35, 0.6)
        return np.concatenate([*posts, box((0, height - panel / 2, 0), (width, panel, deep))])
    rail = rng.uniform(0.1, 0.22)
    posts.append(box((0, height - rail / 2, 0), (width, rail, deep)))
    if kind == "slats":
        places = np.linspace(-width / 2, width / 2, rng.integers(4, 8))[1:-1]
        bar = rng.uniform(0.05, 0.1)
        bars = [box((x, height / 2, 0), (bar, height, 0.6 * deep)) for x in places]
    else:
        places = np.linspace(0, height, rng.integers(4, 6))[1:-1]
        bars = [box((0, y, 0), (width, rail, 0.6 * deep)) for y in places]
    return np.concatenate(posts + bars)


def _four_legs(rng: Generator, x: float, z: float, height: float) -> list[Triangles]:
    """Legs from (+-x, height, +-z) to the floor, perhaps splayed and braced."""
    splay, thick = 1 + rng.choice([0, 0, 0.12, 0.25]), rng.uniform(0.05, 0.085)
    taper, sides = rng.uniform(0.6, 1), int(rng.choice([4, 8]))
    brace = rng.uniform(0.25, 0.6) if rng.random() < 0.4 else None
    parts, corners = [], [(x, z), (-x, z), (-x, -z), (x, -z)]
    for a, b in corners:
        foot = (splay * a, 0, splay * b)
        parts.append(strut((a, height, b), foot, thick, taper * thick, sides))
    if brace is not None:
        wide = 1 + (splay - 1) * (1 - brace)
        for (a, b), (c, d) in zip(corners, corners[1:] + corners[:1], strict=True):
            ends = ((wide * a, brace * height, wide * b), (wide * c, brace * height, wide * d))
            parts.append(strut(*ends, 0.6 * thick, sides=sides))
    return parts


def _pedestal(rng: Generator, height: float, reach: float) -> list[Triangles]:
    """A column on a disc, a cone or a star of feet."""
    parts = [cylinder(rng.uniform(0.06, 0.12), 0, height, segments=16)]
    kind = rng.choice(["disc", "cone", "star"])
    if kind == "disc":
        parts.append(cylinder(reach * rng.uniform(0.7, 0.95), 0, 0.06))
    elif kind == "cone":
        parts.append(cylinder(reach * rng.uniform(0.7, 0.95), 0, 0.3 * height, 0.1))
    else:
        foot = strut((0, 0.15 * height, 0), (reach, 0.03, 0), 0.08, 0.05, sides=4)
        parts.append(repeat_around(foot, int(rng.integers(3, 6)), rng.uniform(0, 1)))
    return parts


def stool(rng: Generator) -> Triangles:
    """A small seat without a back, higher than wide, on three or four legs or a pedestal."""
    height, thickness = rng.uniform(1.25, 2.3), rng.uniform(0.06, 0.25)
    below = height - thickness
    if rng.random() < 0.6:
        seat = cylinder(0.5, below, height, rng.uniform(0.4, 0.5))
    else:
        seat = plate(rectangle(1, rng.uniform(0.75, 1), 1), below, height)
    if rng.random() < 0.25:
        return np.concatenate([seat, *_pedestal(rng, below, 0.5)])
    legs = int(rng.choice([3, 4, 4]))
    top, foot = 0.36, rng.uniform(0.36, 0.6)
    thick, sides = rng.uniform(0.04, 0.08), int(rng.choice([4, 8]))
    parts = [seat]
    for high, low in zip(
        on_circle(legs, top, below, np.pi / 4), on_circle(legs, foot, 0, np.pi / 4), strict=True
    ):
        parts.append(strut(high, low, thick, sides=sides))
    brace = rng.uniform(0.2, 0.5)
    reach = foot + (top - foot) * brace
    kind = rng.choice(["none", "ring", "bars"])
    if kind == "ring":
        parts.append(torus(reach, 0.6 * thick, brace * below))
    elif kind == "bars":
        ends = on_circle(legs, reach, brace * below, np.pi / 4)
        parts += [strut(a, b, 0.6 * thick) for a, b in zip(ends, np.roll(ends, 1, 0), strict=True)]
    return np.concatenate(parts)


def table(rng: Generator) -> Triangles:
    """A top, wider than high, on legs, a pedestal or two trestles; perhaps with a shelf."""
    height, thickness = rng.uniform(0.6, 1), rng.uniform(0.05, 0.14)
    width, depth = height * rng.uniform(1.45, 2.8), height * rng.uniform(1, 1.45)
    below = height - thickness
    round_top = rng.random() < 0.35
    if round_top:
        depth = width * rng.choice([1, 1, rng.uniform(0.6, 0.95)])
        disc = cylinder(0.5, below, height, segments=40)
        parts = [disc * (width, 1, depth)]
    else:
        parts = [box((0, height - thickness / 2, 0), (width, thickness, depth))]
    inset = 0.33 if round_top else rng.uniform(0.38, 0.47)
    kind = rng.choice(["legs", "legs", "pedestal", "trestles", "drawers"])
    if kind == "pedestal":
        parts += _pedestal(rng, below, 0.36 * depth)
    elif kind == "trestles":
        slab = rng.uniform(0.05, 0.14)
        for side in (-1, 1):
            parts.append(box((side * inset * width, below / 2, 0), (slab, below, 0.7 * depth)))
        if rng.random() < 0.5:
            parts.append(box((0, 0.5 * below, 0), (2 * inset * width, 0.15, 0.06)))
    else:
        parts += _four_legs(rng, inset * width, inset * depth, below)
        if kind == "drawers" and not round_top:
            block = width * rng.uniform(0.2, 0.3)
            x = inset * width - block / 2
            drop = below * rng.uniform(0.3, 0.85)
            parts.append(box((x, below - drop / 2, 0), (block, drop, 0.85 * depth)))
        elif rng.random() < 0.25:
            low = rng.uniform(0.2, 0.45) * below
            parts.append(box((0, low, 0), (2 * inset * width, 0.04, 2 * inset * depth)))
    return np.concatenate(parts)


def ladder(rng: Generator) -> Triangles:
    """Two rails with rungs, or a folding ladder with steps and a second pair of legs."""
    height, width = rng.uniform(2, 3.4), rng.uniform(0.5, 1.1)
    top_width, thick = width * rng.uniform(0.6, 1), rng.uniform(0.035, 0.07)
    rungs = int(rng.integers(4, 11))
    folding = rng.random() < 0.5
    lean = height * rng.uniform(0.18, 0.35) if folding else 0
    flat = folding and rng.random() < 0.7
    parts = []
    for side in (-1, 1):
        foot, head = (side * width / 2, 0, lean), (side * top_width / 2, height, 0)
        parts.append(strut(foot, head, 1.3 * thick, sides=4))
        if folding:
            rear = (side * width / 2, 0, -lean)
            parts.append(strut(rear, head, thick, sides=4))
    for part in (np.arange(rungs) + 0.6) / rungs:
        half = (width + (top_width - width) * part) / 2
        place = np.array([0, height * part, lean * (1 - part)])
        if flat:
            parts.append(box(place, (2 * half, 0.04, rng.uniform(0.18, 0.22))))
        else:
            parts.append(strut(place - (half, 0, 0), place + (half, 0, 0), thick))
    if folding:
        parts.append(box((0, height, 0), (1.1 * top_width, 0.06, rng.uniform(0.15, 0.4))))
        low = rng.uniform(0.15, 0.4)
        half = (width + (top_width - width) * low) / 2
        ends = [(side * half, height * low, -lean * (1 - low)) for side in (-1, 1)]
        parts.append(strut(*ends, thick))
    return np.concatenate(parts)
