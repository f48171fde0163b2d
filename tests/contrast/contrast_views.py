"""Synthetic views: each class has a spectrum and important points of its own; its views are noisy copies of them."""

import numpy as np


def synthetic_views(classes=60, views=4, points=16, components=12, noise=0.3, seed=0):
    """Directions (float16), singular values (float32) and an all-true mask of usable views; column signs are random."""
    generator = np.random.default_rng(seed)
    directions = np.empty((classes, views, points, components), dtype=np.float16)
    singular_values = np.empty((classes, views, components), dtype=np.float32)
    for index in range(classes):
        spectrum = -np.cumsum(generator.exponential(0.4, size=components))
        importance = np.exp(generator.standard_normal((points, 1)))
        axes = generator.standard_normal((points, components))
        for view in range(views):
            columns, _ = np.linalg.qr(importance * (axes + noise * generator.standard_normal(axes.shape)))
            directions[index, view] = columns * generator.choice([-1, 1], size=components)
            singular_values[index, view] = np.exp(spectrum + noise * generator.standard_normal(components))
    return directions, singular_values, np.ones((classes, views), dtype=bool)
