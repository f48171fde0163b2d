# ---
# jupyter:
#   cena:
#     needs: [topology]
#     version: 2
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Data Jacobians
#
# What can be said about an architecture that has not been trained? Its weights are random, so whatever it computes is
# random too. The paper looks at how the network *responds* to its input: the derivatives of its output at a handful
# of images. This chapter computes these matrices, checks when they describe a network completely and when not, asks
# how much of them belongs to the architecture and how much to the weights, and shows what they know about depth and
# accuracy before any encoder sees them.

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run
checked: int = 24  # [4..200] networks on which batch normalisation, routes, precisions and rescaling are compared
components: int = 24  # [4..64] columns of an EPDJM that are drawn

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown, display
from matplotlib import pyplot as plt
from torch import nn

from cena.companion.project import results_folder
from cena.evaluate import kendall, log_parameters, write_table
from cena.jacobians import ViewRecipe, class_views, data_jacobian, epdjm_factors, rescale_weights, view_seeds
from cena.jacobians.weights import RESCALE
from cena.report import plots, style
from cena.report.tables import NAMES, markdown_table
from cena.spaces import TopologySpace
from cena.spaces.nas_bench_201.cells import formal_sums, live_convolutions, parse_topology_cell
from cena.study.pipeline import Pipeline

style.use_style()
torch.set_num_threads(1)
results = results_folder(profile)
pipeline = Pipeline(profile)
settings, space, first = pipeline.profile, pipeline.view_space, pipeline.profile.space.datasets[0]
labels = {dataset: pipeline.accuracy(dataset) for dataset in settings.space.datasets}
names = {dataset: NAMES.get(dataset, dataset) for dataset in labels}
spectrum, usable = pipeline.spectrum, pipeline.usable
images = torch.from_numpy(pipeline.images.pixels)
points = len(images)
Markdown(
    f"This run: profile `{profile}`, the {len(usable):,} classes of the {NAMES.get(space.name, space.name)} space as "
    f"networks of {settings.views.channels} channels and {settings.views.cells} cell{'s' * (settings.views.cells != 1)} a stage, "
    f"{settings.views.per_class} views of each at {points} images of {settings.views.resolution}x{settings.views.resolution} pixels "
    f"({pipeline.images.note}), gradients in {pipeline.precision}."
)

# %% [markdown]
# ## Linear, nearly everywhere
#
# A layer of ReLUs multiplies each of its inputs by 0 or 1. Which of the two it is depends on the input, but as long
# as no unit changes sign it stays, and the layer is a matrix. A network of linear layers and ReLUs is a product of
# matrices in a neighbourhood of almost every input $x$: its *data Jacobian matrix*
#
# $$
# \mathrm{DJM}(x) = \frac{\partial f(x)}{\partial x} , \qquad
# f(x') = \mathrm{DJM}(x)\, x' \quad \text{for } x' \text{ near } x ,
# $$ (eq:djm)
#
# when no layer has a bias (section 3.2 of {cite:t}`anonymous2021cena`). The matrix *is* the network there, not an
# approximation of it. We check this with a small convolutional network in double precision, at $x$ itself and on a
# straight way out of the neighbourhood.


# %%
def small_network(bias, activation=nn.ReLU):
    """Two convolutions, pooling and two linear layers, drawn from one seed."""
    torch.manual_seed(0)
    r = settings.views.resolution
    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=bias), activation(), nn.AvgPool2d(2)]
    layers += [nn.Conv2d(16, 16, 3, padding=1, bias=bias), activation(), nn.Flatten()]
    layers += [nn.Linear(16 * (r // 2) ** 2, 64, bias=bias), activation(), nn.Linear(64, 10, bias=bias)]
    return nn.Sequential(*layers).double()


def linearity_error(network, x):
    """Norm of f(x) - DJM(x) x, relative to the norm of f(x), over a batch."""
    outputs, linear = torch.autograd.functional.jvp(network, x, x)
    return float((outputs - linear).norm() / outputs.norm())


x = images.double()
middle = int(np.argsort(labels[first], kind="stable")[len(space) // 2])
real = space.build(middle, seed=0).double().requires_grad_(False)
real[-1].bias.zero_()  # so that batch normalisation is all that is left to differ
cases = {
    "ReLU, no bias": small_network(bias=False),
    "ReLU, biases": small_network(bias=True),
    "GELU, no bias": small_network(bias=False, activation=nn.GELU),
    "the space's median network, each image alone (eval mode)": real.eval(),
}
errors = {name: linearity_error(network, x) for name, network in cases.items()}
errors["the space's median network, as a batch (train mode)"] = linearity_error(real.train(), x)

# %% tags=["hide-input"]
display(
    Markdown(
        markdown_table(
            ("network", "relative error of f(x) = DJM(x) x"),
            [
                (name, f"{error:.0%}" if error > 1e-3 else f"{error:.0e}" if error else "0")
                for name, error in errors.items()
            ],
            numeric=(1,),
        )
    )
)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-linearity", "caption": "How far the data Jacobian matrix of one point carries: relative error of the linear map on the way from one image towards another (left), and the fraction of ReLUs whose sign has changed (right). Thin: eight pairs of images; thick: their median. A curve begins where the first sign changes; before that the error is rounding, below 1e-12."}, "image": {"alt": "Two plots against the step size: the error jumps from rounding level to visible values where the first ReLU changes sign, and the fraction of changed signs grows in the same way"}}
network = cases["ReLU, no bias"]
steps = np.logspace(-5, 0, 51)


def signs(network, x):
    """The sign of every ReLU's input, (n, units)."""
    found = []
    for layer in network:
        if isinstance(layer, nn.ReLU):
            found.append((x > 0).flatten(1))
        x = layer(x)
    return torch.cat(found, dim=1)


curves = []
with torch.no_grad():
    for start, end in zip(x[:8], x[8:16].roll(1, 0), strict=True):
        way = start + torch.from_numpy(steps)[:, None, None, None] * (end - start)
        _, linear = torch.autograd.functional.jvp(network, start.expand_as(way).contiguous(), way)
        outputs = network(way)
        error = (outputs - linear).norm(dim=1) / outputs.norm(dim=1)
        changed = (signs(network, way) != signs(network, start[None])).double().mean(dim=1)
        curves.append(np.stack([error.numpy(), changed.numpy()]))
curves = np.array(curves)
units = signs(network, x[:1]).shape[1]
drawn, axes = style.figure(1, 2, panel_height=2.6)
for axis, panel in zip(axes, curves.transpose(1, 0, 2), strict=True):
    axis.plot(steps, np.where(panel > 1e-12, panel, np.nan).T, color="0.75", linewidth=0.8)
    median = np.median(panel, axis=0)
    axis.plot(steps, np.where(median > 1e-12, median, np.nan), color=style.COLOURS["blue"])
    axis.set(xscale="log", yscale="log", xlabel="step, as a fraction of the way")
axes[0].set_ylabel("relative error")
axes[1].set(ylabel="changed ReLUs", ylim=(0.5 / units, 1))
write_table(
    results / "02_data_jacobians_linearity.csv",
    pd.DataFrame({"step": steps, "error": np.median(curves[:, 0], axis=0), "changed": np.median(curves[:, 1], axis=0)}),
)

# %% [markdown]
# The identity holds to rounding for the network that the theory is about. Biases add a constant that the Jacobian
# does not see, a smooth activation has no linear pieces, and the neighbourhoods are small. The last row of the table
# is the one to remember. The networks of the space have batch normalisation, which in train mode divides by the
# standard deviation over the batch: scale all images by one factor, and next to nothing changes. The derivative along
# $x$ is then all but zero, and $\mathrm{DJM}(x)\,x$ is no longer $f(x)$. The Jacobian of such a network still says
# how it responds, but it is not the network.
#
# ## One row for each image
#
# A network with one output has a Jacobian of one row. The paper makes one output of many by the $L_1$ norm, and
# stacks the rows of $n$ images: the *extended* data Jacobian matrix (EDJM) of {cite:t}`wang2016analysis`, projected
# onto its first principal components, {eq}`eq:epdjm` and {eq}`eq:projection`. In code this is two lines.


# %%
def rescaled_group(network, name):
    """Which of three kinds a weight matrix is, by what follows it."""
    if name.startswith(f"{len(network) - 1}."):
        return "classifier"
    return "shortcuts" if "shortcut" in name else "before batch normalisation"


def edjm(architecture, weight_seed, rescale_seed=None, groups=None, precision="float32", pixels=images, train=True):
    """The EDJM of a network of the space, (points, 3 * resolution^2); rescaled where asked for, all groups or some."""
    network = space.build(int(architecture), weight_seed).train(train)
    if rescale_seed is not None:
        before = {name: value.clone() for name, value in network.state_dict().items()}
        rescale_weights(network, np.random.default_rng(rescale_seed))
        if groups is not None:
            kept = {name for name in before if rescaled_group(network, name) in groups}
            network.load_state_dict({name: value for name, value in before.items() if name not in kept}, strict=False)
    return data_jacobian(network.requires_grad_(False), pixels, precision).numpy()


directions, singular_values = epdjm_factors(edjm(middle, weight_seed=0))
epdjm = directions * singular_values

# %% [markdown]
# The basis belongs to one network and one initialisation: column $j$ of an EPDJM says how strongly each image takes
# part in that network's own $j$-th direction. The networks below differ in their number of convolutions, from none to
# the most that the space has; each is shown from two initialisations.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-epdjm", "caption": "EPDJMs of three architectures (columns) from two initialisations each (rows): images downwards, the first principal components to the right, blue and red for the signs. Each column of a matrix is scaled to the logarithm of its length, so that the weak ones can be seen too; each heat map has its own colour scale. In brackets: the accuracy of the architecture, the best with so many convolutions."}, "image": {"alt": "Six heat maps of signed numbers in two rows and three columns, with strong columns on the left that fade to the right"}}
cells = [parse_topology_cell(space.architecture(int(i))) for i in pipeline.representatives]
convolutions = np.array([len(live_convolutions(cell)) for cell in cells])


def depth(cell):
    """Convolutions on the longest way from the cell's input to its output."""
    output, convolved = formal_sums(cell)

    def longest(formal_sum):
        return max((1 + longest(convolved[origin]) for _, origin in formal_sum if origin in convolved), default=0)

    return longest(output)


depths = np.array([depth(cell) for cell in cells])
live = np.flatnonzero(usable.all(axis=1))
class_accuracy = labels[first][pipeline.representatives]
numbers = sorted({convolutions[live].min(), int(np.median(convolutions[live])), convolutions[live].max()})
chosen = []
for number in numbers:
    candidates = live[convolutions[live] == number]
    chosen.append(int(candidates[np.argmax(class_accuracy[candidates])]))
drawn, grid = plt.subplots(2, len(chosen), figsize=(style.TEXT_WIDTH, 4.2), squeeze=False)
for column, c in enumerate(chosen):
    for view in (0, 1):
        values = spectrum[c, view]
        scale = np.log1p(values / np.median(values[values > 0]))
        plots.heat_map(grid[view, column], (pipeline.directions[c, view].astype(float) * scale)[:, :components])
        grid[view, column].set_xlabel(f"component 1 to {min(components, spectrum.shape[-1])}")
    grid[0, column].set_title(
        f"{convolutions[c]} convolution{'s' * int(convolutions[c] != 1)} ({class_accuracy[c]:.1f} %)"
    )
for view in (0, 1):
    grid[view, 0].set_ylabel(f"images, initialisation {view}")

# %% [markdown]
# Two initialisations of one architecture do not give the same matrix, and by eye hardly a similar one. Three numbers
# tell how different two matrices are. Their left singular vectors span subspaces of the images; those of dimension
# $k$ with orthonormal bases $U$ and $V$ agree by
#
# $$
# \mathrm{overlap}_k(U, V) = \frac{1}{k} \lVert U^\top V \rVert_F^2 ,
# $$ (eq:overlap)
#
# which is 1 for equal subspaces and $k / n$ for random ones. Where neighbouring singular values are close, a small
# change turns the subspace far; the Gram matrix $G = J J^\top / \lVert J \rVert_F^2$, which has the same information,
# is free of this, and we take the relative difference $\lVert G - G' \rVert_F / \lVert G \rVert_F$. The singular
# values are compared by their logarithms: how far their mean moves (the common factor), and the root mean square
# difference of what remains (the shape). What another initialisation does is the yardstick for all choices below: an
# error that is small against it cannot matter.
#
# ## Is the computation right?
#
# Three choices are compared, each on the same networks drawn at random from the classes.
#
# - **Gram route.** $U$ and $\Sigma$ come from the eigenvectors of the small matrix $J J^\top$ in float64, not from the
#   singular value decomposition of $J$.
# - **bfloat16.** Where the processor multiplies it natively, forward and backward pass run in bfloat16, which keeps 8
#   bits of a number.
# - **One factor a matrix.** Every weight matrix is multiplied by its own log-uniform factor. This is the paper's
#   augmentation and no shortcut, but we measure it too: batch normalisation follows nearly every convolution,
#   and takes such a factor out again.


# %%
def overlaps(one, other, ranks):
    """Overlap (eq:overlap) of the first k columns, for each k of `ranks`."""
    squared = (one.T @ other) ** 2
    return np.array([squared[:k, :k].sum() / k for k in ranks])


def spectrum_difference(one, other):
    """Change of the mean of the log singular values, and root mean square change of the rest; over the last axis."""
    ratio = np.log(one / other)
    mean = ratio.mean(axis=-1)
    return np.abs(mean), np.sqrt(((ratio - mean[..., None]) ** 2).mean(axis=-1))


def gram_difference(one, other):
    """Relative difference of the normalised Gram matrices of two (directions, singular values)."""
    first_gram, second_gram = ((U * S**2) @ U.T / np.sum(S**2) for U, S in (one, other))
    return np.linalg.norm(first_gram - second_gram) / np.linalg.norm(first_gram)


ranks = np.unique(np.clip([1, 2, 4, 8, 16, 32], 1, spectrum.shape[-1]))
eight = int(np.argmin(np.abs(ranks - 8)))
drawn_classes = np.random.default_rng(settings.seed).choice(live, min(checked, len(live)), replace=False)
groups = ("before batch normalisation", "shortcuts", "classifier")
comparisons = {}
for c in drawn_classes:
    architecture = pipeline.representatives[c]
    (weights, factors), (other_weights, _) = view_seeds(settings.seed, int(c), 0), view_seeds(settings.seed, int(c), 1)
    J = edjm(architecture, weights)
    reference = epdjm_factors(J)
    U, S, _ = np.linalg.svd(J.astype(np.float64), full_matrices=False)
    others = {
        "Gram matrix or SVD": (U, S),
        "bfloat16 or float32": epdjm_factors(edjm(architecture, weights, precision="bfloat16")),
        **{f"rescaled: {group}": epdjm_factors(edjm(architecture, weights, factors, {group})) for group in groups},
        "rescaled: all": epdjm_factors(edjm(architecture, weights, factors)),
        "another initialisation": epdjm_factors(edjm(architecture, other_weights)),
    }
    for name, (vectors, values) in others.items():
        significant = np.minimum(reference[1], values) > 1e-6 * reference[1][0]
        moved = spectrum_difference(reference[1][significant], values[significant])
        gram = gram_difference(reference, (vectors, values))
        comparisons.setdefault(name, []).append([*overlaps(reference[0], vectors, ranks), gram, *moved])
comparisons = {name: np.array(rows) for name, rows in comparisons.items()}

# %% tags=["hide-input"]
rows = []
for name, found in comparisons.items():
    overlap, (gram, factor, shape) = found[:, eight], found[:, -3:].T
    rows.append(
        (
            name,
            f"{np.median(overlap):.3f}",
            f"{overlap.min():.3f}",
            f"{np.median(gram):.2g}",
            f"{gram.max():.2g}",
            f"{np.median(factor):.2g}",
            f"{np.median(shape):.2g}",
        )
    )
header = (
    "changed",
    f"overlap, k = {ranks[eight]}",
    "lowest",
    "Gram matrix",
    "worst",
    "common factor (log)",
    "shape (log)",
)
display(Markdown(markdown_table(header, rows, numeric=range(1, 7))))
table = [
    (name, int(k), *np.quantile(found[:, i], [0.1, 0.5, 0.9]))
    for name, found in comparisons.items()
    for i, k in enumerate(ranks)
]
write_table(
    results / "02_data_jacobians_overlap.csv", pd.DataFrame(table, columns=["comparison", "k", "low", "median", "high"])
)
middles = {name: np.median(found, axis=0) for name, found in comparisons.items()}
share = {name: found[-3] / middles["another initialisation"][-3] for name, found in middles.items()}
bfloat16 = comparisons["bfloat16 or float32"]
Markdown(
    f"Medians over {len(drawn_classes)} networks, and the worst of them. The two routes differ by "
    f"{comparisons['Gram matrix or SVD'][:, -3].max():.0e} at most. bfloat16 changes the Gram matrix by "
    f"{np.median(bfloat16[:, -3]):.1%} (at worst {bfloat16[:, -3].max():.1%}), which is "
    f"{share['bfloat16 or float32']:.0%} of what another initialisation does. Rescaling by {RESCALE[0]:.3f} to "
    f"{RESCALE[1]:.3f} does {share['rescaled: all']:.0%} of it."
)

# %% [markdown]
# The rows of the table take rescaling apart. A factor before batch normalisation cancels, but for the small constant
# in the denominator. The shortcut of a reduction block has no batch normalisation: its factor shifts the balance
# between the two paths that are added up, and with it the sign of ReLUs behind. The classifier's factor multiplies
# the whole matrix; what is left of it comes from the signs of the outputs in the $L_1$ norm, since its bias is not
# rescaled.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-subspaces", "caption": "Overlap of the principal subspaces spanned by the first k components, median over the networks with the band from 10 to 90 %. Grey: what random subspaces have."}, "image": {"alt": "Curves of subspace overlap against dimension: precision and rescaling close to one, another initialisation much lower, chance rising from zero"}}
drawn, (axis,) = style.figure(panel_height=3.0)
for name in ("bfloat16 or float32", "rescaled: all", "another initialisation"):
    low, median, high = np.quantile(comparisons[name][:, : len(ranks)], [0.1, 0.5, 0.9], axis=0)
    plots.curve_with_interval(axis, ranks, median, low, high, name)
axis.plot(ranks, ranks / points, color="0.6", linestyle=":", label="chance")
axis.set(xscale="log", xlabel="dimension k", ylabel="overlap", ylim=(0, 1.02), xticks=ranks)
axis.set_xticks(ranks, [str(k) for k in ranks])
axis.minorticks_off()
_ = axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# The subspaces answer what two views have in common. If the directions belonged to the architecture, the curve of
# another initialisation would lie well above chance. The spectrum can be asked in the same way, over the whole space:
# how far apart are the singular values of two views of one architecture, and those of two architectures?

# %% tags=["hide-input"]
floored = np.maximum(spectrum[live], 1e-6 * spectrum[live].max(axis=2, keepdims=True))
stranger = np.random.default_rng(settings.seed).permutation(len(live))
own, other = (
    [np.median(part) for part in spectrum_difference(floored[:, 0], floored[partner, 1])]
    for partner in (np.arange(len(live)), stranger)
)
overlap, chance = middles["another initialisation"][eight], ranks[eight] / points
Markdown(
    f"At k = {ranks[eight]} two initialisations overlap by {overlap:.2f}, and chance gives {chance:.2f}: the "
    f"directions say {'little' if overlap < 2 * chance else 'something'} about the architecture. The shape of the "
    f"spectrum differs by {own[1]:.3f} in the median between two views of one architecture and by {other[1]:.3f} "
    f"between views of two, {other[1] / own[1]:.1f} times as much; the common factor by {own[0]:.3f} and "
    f"{other[0]:.3f}."
)

# %% [markdown]
# ## What batch normalisation does
#
# In train mode each channel is normalised with the mean and variance of the whole batch, as in the authors' released
# code. Row $i$ of the EDJM is then the gradient of the norm of *all* outputs with respect to image $i$, and the rows
# depend on each other. We replace the last image by another one and look at the rows of all the others.

# %%
changed = images.clone()
changed[-1] = images[0].flip(-1)  # the first image, mirrored
exchanged = {}
for mode in ("train", "eval"):
    exchanged[mode] = []
    for c in drawn_classes:
        before, after = (
            edjm(pipeline.representatives[c], 0, pixels=pixels, train=mode == "train")[:-1]
            for pixels in (images, changed)
        )
        norms = np.maximum(np.linalg.norm(before, axis=1), np.finfo(np.float32).tiny)
        exchanged[mode].append(np.median(np.linalg.norm(after - before, axis=1) / norms))

# %% tags=["hide-input"]
Markdown(
    f"In train mode the median row moves by {np.median(exchanged['train']):.1%} of its length when one of {points} "
    f"images is exchanged (up to {np.max(exchanged['train']):.0%} among {len(drawn_classes)} networks); in eval mode, "
    f"with the initial running statistics, by {np.median(exchanged['eval']):.1%}. The images are therefore part of the "
    "definition of an EDJM "
    "here: Jacobians of two networks can be compared only when they are taken at the same images in the same batch."
)

# %% [markdown]
# ## What the spectrum knows
#
# {cite:t}`wang2016analysis` relate the singular values of the EDJM of *trained* networks to depth and capacity, by a
# score: their sum divided by the largest. Here the networks are untrained. First, which views there are.

# %% tags=["hide-input"]
counts = pipeline.views.counts()
dead = ~usable.all(axis=1)
text = (
    f"Of {usable.size:,} views, {counts['usable']:,} are usable, {counts['dead']:,} are dead (the output does not "
    f"depend on the input) and {counts['non-finite']:,} are not finite. "
)
lost = pipeline.per_architecture(dead)
if lost.any():
    text += (
        f"That makes {dead.sum():,} class{'es' * int(dead.sum() != 1)} of {lost.sum():,} "
        f"architecture{'s' * int(lost.sum() != 1)} without usable views, such as "
        f"`{space.architecture(int(np.flatnonzero(lost)[0]))}`; their median accuracy on {names[first]} is "
        f"{np.median(labels[first][lost]):.1f} %. They are left "
        "out of this section."
    )
else:
    text += "Every class of this space can be placed."
Markdown(text)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-spectra", "caption": "Median singular values of the EDJM, relative to the largest, of architectures grouped by accuracy (left) and by the number of convolutions on the longest way through the cell (right)."}, "image": {"alt": "Two plots of singular values that fall with the component on a logarithmic axis, one curve for each group"}}
mean_log = np.log(floored).mean(axis=1)
shapes = np.exp(mean_log - mean_log[:, :1])
position = np.full(len(usable), -1)
position[live] = np.arange(len(live))
rows_of = position[pipeline.classes]
kept_architectures = rows_of >= 0
architecture_shapes = shapes[rows_of[kept_architectures]]
accuracy = labels[first][kept_architectures]
quintile = np.searchsorted(np.quantile(accuracy, [0.2, 0.4, 0.6, 0.8]), accuracy, side="right")
by_depth = depths[pipeline.classes][kept_architectures]
component = np.arange(1, shapes.shape[1] + 1)
drawn, axes = style.figure(1, 2, panel_height=3.0)
table = []
quintile_names = ["worst fifth", "second", "middle", "fourth", "best fifth"]
groupings = (
    (axes[0], quintile, quintile_names, f"accuracy on {names[first]}"),
    (axes[1], by_depth, [str(d) for d in range(by_depth.max() + 1)], "convolutions in a row"),
)
for axis, group, group_names, title in groupings:
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.92, len(group_names)))
    for number, (name, colour) in enumerate(zip(group_names, colours, strict=True)):
        if (group == number).any():
            median = np.median(architecture_shapes[group == number], axis=0)
            axis.plot(component, median, color=colour, label=name)
            table += [(title, name, int(j), value) for j, value in zip(component, median, strict=True)]
    axis.set(yscale="log", xlabel="component", ylabel="singular value / largest")
    axis.set_ylim(bottom=axis.get_ylim()[0] / 2)
    axis.legend(title=title, title_fontsize=8, loc="lower left")
write_table(
    results / "02_data_jacobians_spectra.csv", pd.DataFrame(table, columns=["grouping", "group", "component", "median"])
)

# %% [markdown]
# One number for each architecture can be read off without any encoder. Beside Wang's score we take the largest
# singular value, and `jacov`, the score of {cite:t}`mellor2021naswot` computed from the correlation of the rows of
# the same matrix; their rivals count convolutions or parameters. All are averages over views, compared with accuracy
# by Kendall's τ ({eq}`eq:kendall`).

# %% tags=["hide-input"]
per_class = {
    "jacov": np.nanmean(pipeline.jacov[live], axis=1),
    "sum of singular values / largest": (spectrum[live].sum(axis=2) / spectrum[live].max(axis=2)).mean(axis=1),
    "log largest singular value": mean_log[:, 0],
    "convolutions in a row": depths[live],
    "convolutions": convolutions[live],
}
scores = {name: values[rows_of[kept_architectures]] for name, values in per_class.items()}
scores["log parameters"] = log_parameters(pipeline.parameters)[kept_architectures, 0]
taus = {
    name: {dataset: kendall(values, labels[dataset][kept_architectures]) for dataset in labels}
    for name, values in scores.items()
}
depth_taus = {name: kendall(values, by_depth) for name, values in scores.items()}
rows = [(name, *(f"{tau:+.3f}" for tau in found.values()), f"{depth_taus[name]:+.3f}") for name, found in taus.items()]
header = ("score", *(f"τ with accuracy, {name}" for name in names.values()), "τ with convolutions in a row")
table = [(name, dataset, tau) for name, found in taus.items() for dataset, tau in found.items()]
write_table(results / "02_data_jacobians_scores.csv", pd.DataFrame(table, columns=["score", "dataset", "tau"]))
display(Markdown(markdown_table(header, rows, numeric=range(1, len(header)))))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-jacov", "caption": "Accuracy against jacov (left; the distance from its largest possible value, better to the right) and against the score of Wang et al. (right), one point for each architecture; colours count the convolutions on the longest way through the cell. The worst twentieth is left out."}, "image": {"alt": "Two scatter plots of accuracy against a score computed from untrained networks, coloured by depth"}}
drawn, axes = style.figure(1, 2, panel_height=3.0)
floor = np.quantile(accuracy, 0.05)
order = np.random.default_rng(0).permutation(np.flatnonzero(accuracy >= floor))
size = float(np.clip(20000 / len(order), 1.5, 8))
panels = (
    (axes[0], -scores["jacov"] - points, f"\N{MINUS SIGN}jacov \N{MINUS SIGN} {points} (reversed)"),
    (axes[1], scores["sum of singular values / largest"], "sum of singular values / largest"),
)
look = {"s": size, "linewidths": 0, "vmin": 0, "vmax": by_depth.max(), "rasterized": True}
for axis, values, label in panels:
    dots = axis.scatter(values[order], accuracy[order], c=by_depth[order], **look)
    axis.set(xlabel=label, ylabel=f"accuracy on {names[first]} (%)")
axes[0].set_xscale("log")
axes[0].invert_xaxis()
_ = drawn.colorbar(dots, ax=axes, label="convolutions in a row", ticks=range(by_depth.max() + 1), shrink=0.9)

# %% tags=["hide-input"]
from_jacobian = ("jacov", "sum of singular values / largest", "log largest singular value")
sentences = []
for dataset in labels:
    jacobian = max(from_jacobian, key=lambda name: abs(taus[name][dataset]))
    rival = max((name for name in taus if name not in from_jacobian), key=lambda name: abs(taus[name][dataset]))
    ahead = abs(taus[jacobian][dataset]) > abs(taus[rival][dataset])
    sentences.append(
        f"On {names[dataset]} the best single number from a Jacobian is {jacobian} (τ {taus[jacobian][dataset]:+.2f}), "
        f"{'ahead of' if ahead else 'behind'} the best that is merely counted, {rival} (τ {taus[rival][dataset]:+.2f})."
    )
Markdown(" ".join(sentences) + " One number is little to ask of a matrix.")

# %% [markdown]
# ## Where in the image
#
# Singular values and the EPDJM say *which* images a network responds to, and how strongly. Neither says *where* in the
# image, though that is half of the matrix. Two readings of it are pictures. With $Y_i$ the $i$-th row of the EDJM,
# scaled to length one and seen as an image of three channels:
#
# - the **energy map**, the mean over data points of $\sum_c Y_{i,c}(x, y)^2$, relative to its own mean;
# - the **spatial power**, the mean over data points of $\sum_c \lvert \mathrm{FFT}_2(Y_{i,c}) \rvert^2$, as each
#   frequency's share: how much of the gradients is smooth, and how much changes from pixel to pixel.
#
# Signs and rotations of singular vectors, the scale of the gradients and the order of the points change neither. Here
# they are for five cells that differ in what they are made of. Look for three things: how much less the border of the
# image counts than its middle, which is the work of padding; whether the strides of the reductions show as a grid; and
# how much fine detail is left, which pooling takes away.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-readings", "caption": "Five cells (columns) and two readings of their data Jacobians, means over views. Top: the energy map, blue below and red above the mean. Bottom: spatial power, bright where more; frequency zero is in the middle of the left edge, the finest horizontal pattern at the right edge."}, "image": {"alt": "Two rows of five heat maps. Energy maps show borders and grids; spatial power is concentrated at low frequencies for pooling and spread for 1x1 convolutions."}}
CELLS = {
    "3x3 convolutions": ("nor_conv_3x3",) * 6,
    "one 3x3 convolution": ("none", "none", "none", "nor_conv_3x3", "none", "none"),
    "1x1 convolutions": ("nor_conv_1x1",) * 6,
    "pooling, one 3x3": (
        "avg_pool_3x3",
        "avg_pool_3x3",
        "avg_pool_3x3",
        "nor_conv_3x3",
        "avg_pool_3x3",
        "avg_pool_3x3",
    ),
    "skips, one 1x1": ("skip_connect", "skip_connect", "skip_connect", "nor_conv_1x1", "skip_connect", "skip_connect"),
}


def cell_of(operations):
    """The string of the cell with these operations on its edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3."""
    one, two, three = operations[:1], operations[1:3], operations[3:]
    return "+".join("|" + "|".join(f"{name}~{i}" for i, name in enumerate(node)) + "|" for node in (one, two, three))


resolution = settings.views.resolution
recipe = ViewRecipe(pipeline.images.pixels, 4, settings.seed, pipeline.precision, ("energy-map", "spatial-power"))
cells = [parse_topology_cell(cell_of(operations)) for operations in CELLS.values()]
five = TopologySpace("five cells", cells, settings.views.channels, settings.views.cells, resolution)
shown = {}
for number, name in enumerate(CELLS):
    found = class_views(five, number, number, recipe)
    shown[name] = {reading: values[found.usable].mean(axis=0) for reading, values in found.readings.items()}
drawn, axes = plt.subplots(2, len(CELLS), figsize=(style.TEXT_WIDTH, 3.5))
powers = np.array([one["spatial-power"] for one in shown.values()])
low, high = np.quantile(powers, (0.02, 0.99))
for column, (name, one) in zip(axes.T, shown.items(), strict=True):
    plots.heat_map(column[0], one["energy-map"].reshape(resolution, resolution))
    power = np.fft.fftshift(one["spatial-power"].reshape(resolution, -1), axes=0)
    column[1].imshow(power, cmap="viridis", vmin=low, vmax=high, rasterized=True)
    column[1].set(xticks=[], yticks=[])
    column[0].set_title(name.replace(" ", "\n", 1), fontsize=8)
    column[0].set_aspect("equal")
axes[0, 0].set_ylabel("energy map")
axes[1, 0].set_ylabel("spatial power")
plt.show()

# %% tags=["hide-input"]
fine = np.hypot(*np.meshgrid(np.fft.rfftfreq(resolution), np.fft.fftfreq(resolution))).ravel() > 0.25
edge = np.ones((resolution, resolution), dtype=bool)
edge[1:-1, 1:-1] = False
rows = []
for name, one in shown.items():
    share = np.exp(one["spatial-power"])
    energy = np.exp(one["energy-map"])
    rows.append(
        (
            name,
            f"{100 * share[fine].sum() / share.sum():.0f}",
            f"{energy[edge.ravel()].mean() / energy[~edge.ravel()].mean():.2f}",
            f"{one['energy-map'].std():.2f}",
        )
    )
header = (
    "cell",
    "power at fine frequencies (%)",
    "energy of the border, of the inside",
    "spread of the log energy map",
)
write_table(results / "02_data_jacobians_readings.csv", pd.DataFrame(rows, columns=header))
Markdown(
    markdown_table(header, rows, numeric=(1, 2, 3))
    + "\n\nFine are frequencies above a quarter cycle a pixel. The pictures are means over four initialisations, so "
    "what they show is the cell's, and none of it is in the singular values. What it is worth, once an encoder has "
    "learned which part of it belongs to the architecture, is the subject of [the next chapter](03_contrastive_embeddings)."
)
