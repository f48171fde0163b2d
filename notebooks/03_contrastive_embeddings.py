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
# # Contrastive embeddings
#
# A projected data Jacobian ([chapter 2](02_data_jacobians)) belongs to one network with one draw of its weights. We
# want a description of the *architecture*. {cite:t}`anonymous2021cena` ask two things of it (section 4):
#
# 1. different initialisations of one architecture have similar embeddings;
# 2. different architectures have different embeddings.
#
# That is what contrastive learning is made for: initialisations are the *views* of an architecture, and an encoder
# learns what they have in common, without seeing any accuracy. This chapter builds the paper's encoder step by step,
# then tests what it promises on initialisations it was not trained on, next to rivals that are not trained at all. The
# second half asks what was lost before the encoder saw anything, since half of the Jacobian is thrown away, and what a
# contrast that has a closed form finds in the whole.

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run
gallery: int = 200  # [20..2000] architectures whose new initialisations test the encoder
neighbours: int = 10  # [1..50] nearest architectures whose accuracy is compared
tuning_trials: int = 20  # [2..500] settings of the closed form that are tried
architecture: str = ""  # the cell that is drawn, as its string; empty: the most accurate one

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown
from matplotlib import pyplot as plt
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from cena.companion.project import results_folder
from cena.contrast import cross_correlation, encode_views, encoder_input, retrieval_accuracy, same_class_margin
from cena.evaluate import bootstrap_interval, judge, log_parameters, log_spectrum, write_records, write_table
from cena.jacobians import ViewRecipe, class_views, rescale_weights, view_seeds
from cena.layout import laguerre_cells
from cena.report import plots, style
from cena.report.tables import markdown_table
from cena.report.wording import signed, told
from cena.study.closed_forms import ClosedFormEmbedding, embedded_classes
from cena.study.pipeline import Pipeline
from cena.study.tuning import TuningStudy, tune_closed_form

style.use_style()
results = results_folder(profile)
pipeline = Pipeline(profile)
settings, seed = pipeline.profile, pipeline.profile.seed
dataset = settings.space.datasets[0]
representatives = pipeline.representatives
usable, singular_values = pipeline.usable, pipeline.singular_values
live = np.flatnonzero(usable.all(axis=1))  # classes that have a Jacobian in every view
class_accuracy = pipeline.class_accuracy(dataset)
if architecture:
    chosen = int(pipeline.classes[pipeline.space.index(architecture)])
else:
    chosen = int(live[class_accuracy[live].argmax()])
Markdown(
    f"Profile `{profile}`: the space **{settings.space.name}**, {len(pipeline.space):,} architectures in "
    f"{len(usable):,} classes of equal functions, {settings.views.per_class} views of each, of {settings.views.points} "
    f"points and {singular_values.shape[-1]} components; networks with {settings.views.channels} channels, cells a "
    f"stage: {settings.views.cells}, images: {settings.views.resolution}x{settings.views.resolution} from "
    f"{settings.views.images}. In {len(usable) - len(live):,} of the classes a view is dead, usually because no path "
    "leads from input to output: they are embedded as the zero matrix, and left out where views are compared below."
)

# %% [markdown]
# ## Views
#
# A view is the matrix $U_1 \Sigma_1$ of {eq}`eq:projection`: a row for each data point, a column for each principal
# component. Two initialisations of one architecture have other weights altogether, so what can they share? Below are
# two architectures, the chosen one and the one of median accuracy, twice each.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-views", "caption": "Views of two architectures (rows), two initialisations each: the first 24 columns of the EPDJM, blue and red for the signs, and (right) the singular values of all views, the lengths of the columns. Each heat map has its own scale."}, "image": {"alt": "Four heat maps, two for each of two architectures, and two plots of singular values that fall with the component"}}
median = int(live[np.argsort(class_accuracy[live], kind="stable")[len(live) // 2]])
shown = {"chosen": chosen, "median": median}
drawn, axes = plt.subplots(2, 3, figsize=(style.TEXT_WIDTH, 3.9), width_ratios=(1, 1, 1.2))
both = singular_values[list(shown.values())]
limits = both[both > 0].min() / 1.3, both.max() * 1.3
for row, (name, number) in zip(axes, shown.items(), strict=True):
    epdjms = pipeline.directions[number].astype(float) * singular_values[number][:, None, :]
    for view, axis in enumerate(row[:2]):
        plots.heat_map(axis, epdjms[view][:, :24])
        axis.set(title=f"{name}, view {view + 1}", xlabel="component", ylabel="data point")
    for view in range(settings.views.per_class):
        row[2].semilogy(1 + np.arange(singular_values.shape[-1]), singular_values[number, view], linewidth=0.9)
    row[2].set(title=f"{name}, all views", xlabel="component", ylabel="singular value", ylim=limits)
plt.show()

# %% [markdown]
# The columns are not the same from view to view, and their signs are arbitrary; the singular values are close. Any
# claim about the encoder therefore has an obvious rival: the singular values alone.
#
# ## What the encoder sees
#
# The singular values of a space span many orders of magnitude, and a network trains badly on such input. So the two
# factors of the projected Jacobian are given one under the other, each on a scale of its own: unit columns, and one more
# row with the logarithms of the singular values, standardised,
#
# $$
# x_k = \begin{pmatrix} \sqrt{n} \, u_k / \lVert u_k \rVert \\ (\log \sigma_k - \mu_k) / s_k \end{pmatrix} ,
# $$ (eq:input)
#
# for $n$ points, where $\mu_k$ and $s_k$ are mean and standard deviation of $\log \sigma_k$ over all views: numbers that
# are kept with the encoder. This is a departure: the paper feeds $U_1 \Sigma_1$ itself, as far as it says. It was chosen
# on the digits benchmark; the labels of the other benchmarks had no part in it.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-input", "caption": "Singular values of all live views, as they are (left), and as the input's last row (right). Line: median over views; bands: half, and 98 % of all views."}, "image": {"alt": "Two plots of a value against the number of the component; on the left the bands fall and span orders of magnitude, on the right they lie around zero"}}
scale = pipeline.encoder.scale
raw = singular_values[live].reshape(-1, singular_values.shape[-1]).astype(float)
spectra = encoder_input(pipeline.directions[live], singular_values[live], scale)[..., -1, :].reshape(raw.shape)
drawn, axes = style.figure(1, 2, panel_height=2.6)
for axis, values, label in zip(axes, (raw, spectra), ("singular value", "input's last row"), strict=True):
    low, quarter, middle, three, high = np.quantile(values, (0.01, 0.25, 0.5, 0.75, 0.99), axis=0)
    component = 1 + np.arange(values.shape[1])
    axis.fill_between(component, low, high, alpha=0.15, linewidth=0)
    axis.fill_between(component, quarter, three, alpha=0.3, linewidth=0, color=style.COLOURS["blue"])
    axis.plot(component, middle, color=style.COLOURS["blue"])
    axis.set(xlabel="component", ylabel=label)
axes[0].set_yscale("log")
plt.show()

# %% tags=["hide-input"]
spread = np.quantile(raw[:, 0], (0.01, 0.99))
Markdown(
    f"Between architectures the largest singular value varies by a factor of {spread[1] / spread[0]:,.1f} (1 % to 99 % "
    "quantile). Over all columns the same quantiles of the singular values are a factor of "
    f"{np.divide(*np.quantile(raw, (0.99, 0.01))):,.0f} apart."
)

# %% [markdown]
# ## The encoder
#
# The matrix has structure along both dimensions, so the paper takes an MLP-Mixer {cite:p}`tolstikhin2021mixer`. After a
# linear layer on the components, each block mixes first over the rows, with one perceptron shared by all features, then
# over features, with one shared by all rows:
#
# $$
# X' = X + \bigl(\mathrm{MLP}_1(\mathrm{LN}(X)^\top)\bigr)^\top, \qquad
# X'' = X' + \mathrm{MLP}_2(\mathrm{LN}(X')) ,
# $$ (eq:mixer)
#
# with $X \in \mathbb{R}^{(n+1) \times \text{width}}$ and layer normalisation LN. The mean over the rows and
# one more linear layer give the embedding. Width and depth are not published; ours are below.

# %% tags=["hide-input"]
encoder, untrained = pipeline.encoder, pipeline.untrained_encoder
config = encoder.config


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


network = encoder.network
shape = f"{config.points + 1} x {config.width}"
rows = [
    (
        "linear layer on components",
        f"{config.points + 1} x {config.components} → {shape}",
        f"{size(network.embed_point):,}",
    ),
    (f"{config.depth} mixer blocks", f"{shape} → {shape}", f"{size(network.blocks):,}"),
    ("layer normalisation, mean over rows", f"{shape} → {config.width}", f"{size(network.norm):,}"),
    ("linear layer", f"{config.width} → {config.embedding}", f"{size(network.head):,}"),
]
Markdown(
    markdown_table(("layer", "shape", "parameters"), rows, numeric=(2,))
    + f"\n\nThe last layer is linear, so the {config.embedding} numbers of an embedding have at most "
    f"{min(config.width, config.embedding)} degrees of freedom."
)

# %% [markdown]
# ## Barlow Twins
#
# A batch holds two different views of each of $b$ architectures, drawn from its stored ones. The encoder and a linear
# *projection*, which is dropped after training, map them to $z^A, z^B \in \mathbb{R}^{b \times d}$, standardised over
# the batch. The loss of {cite:t}`zbontar2021barlow` wants their cross-correlation matrix to be the identity:
#
# $$
# \mathcal{L} = \sum_i (1 - C_{ii})^2 + \lambda \sum_{i \neq j} C_{ij}^2 ,
# \qquad C_{ij} = \frac{1}{b} \sum_{n=1}^{b} z^A_{ni}\, z^B_{nj} .
# $$ (eq:barlow)
#
# The diagonal asks for the paper's first requirement: feature $i$ says the same of both views. The rest asks for the second:
# no two features say the same, so architectures cannot collapse onto one place. As in the paper, $\lambda = 0.005$,
# batches have 512 pairs and embeddings 512 numbers. The optimiser is ours (AdamW, one cycle of the learning rate), and
# so are random signs of the columns, drawn anew for every view.
#
# Two numbers frame the curve. Without any agreement between views, the diagonal alone costs $d$. And $C$ has no higher
# rank than the encoder's width $r$, so $\lVert C \rVert_F^2 \ge (\operatorname{tr} C)^2 / r$: minimised over a constant
# diagonal $c$, the loss cannot be less than
#
# $$
# \min_c \; d\,(1 - c)^2 + \lambda c^2 \left(\frac{d^2}{r} - d\right) .
# $$ (eq:floor)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-training", "caption": "The Barlow Twins loss, the mean over each epoch of training; dashed: no agreement between views; dotted: the least that an encoder of this width can reach, {eq}`eq:floor`."}, "image": {"alt": "The training loss against the epoch, between a dashed line at the top and a dotted line near zero"}}
history = np.array(encoder.history)
features = config.projection
excess = config.redundancy_weight * (features**2 / min(config.width, features) - features)
floor = features * excess / (features + excess)
drawn, (axis,) = style.figure(panel_height=2.7)
axis.plot(1 + np.arange(len(history)), history, marker="o", markersize=3)
axis.axhline(features, color="black", linestyle="--", linewidth=0.8)
axis.axhline(floor, color="black", linestyle=":", linewidth=0.8)
axis.set(xlabel="epoch", ylabel="Barlow Twins loss", ylim=(0, None))
plt.show()
write_table(
    results / "03_contrastive_embeddings_training.csv",
    pd.DataFrame({"epoch": 1 + np.arange(len(history)), "loss": history}),
)

# %% tags=["hide-input"]
agreeing = features**2 / (features + features * history[-1] / (config.redundancy_weight * (features - history[-1])))
gone = (features - history[-1]) / (features - floor)
Markdown(
    f"Over {len(history)} epochs the loss goes from {history[0]:.0f} to {history[-1]:.0f} (its minimum is "
    f"{history.min():.0f}), {gone:.0%} of the way from no agreement ({features}) to the floor ({floor:.1f}). The "
    f"formula of the floor, solved for r, says what that is worth: as much as **{agreeing:.1f} perfectly "
    f"agreeing dimensions** out of {min(config.width, features)}."
)

# %% [markdown]
# ### How much is there to agree on?
#
# The loss can fall only as far as two initialisations of one architecture have something in common. Canonical
# correlations say how much that is, without any network: the directions along which two views of a description agree
# best, found on one half of a sample of architectures and judged on the other. The descriptions are the log spectrum,
# the matrix $J J^\top$ of inner products between the gradients of two data points (scaled to trace one), and the
# embeddings.


# %% tags=["hide-input"]
def canonical_correlations(views, kept=40):
    """Correlation between two views (classes, views, d) along their canonical directions, found on one half, (kept,)."""
    half = len(views) // 2
    views = views - views[:half].mean(axis=(0, 1))
    strengths, axes = np.linalg.svd(views[:half].reshape(-1, views.shape[-1]), full_matrices=False)[1:]
    whitened = views @ (axes[:kept] / strengths[:kept, None]).T  # the strongest principal components, equally strong
    pairs = [(a, b) for a in range(views.shape[1]) for b in range(views.shape[1]) if a != b]
    first, second = (np.concatenate([whitened[:, pair[side]] for pair in pairs], axis=1) for side in (0, 1))
    first, second = (side.reshape(len(views), len(pairs), -1) for side in (first, second))
    common = np.einsum("cpi,cpj->ij", first[:half], second[:half])
    directions = np.linalg.eigh((common + common.T) / 2)[1][:, ::-1]
    one, other = ((side[half:] @ directions).reshape(-1, directions.shape[1]) for side in (first, second))
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(one.T, other.T, strict=True)])


def inner_products(classes):
    """(classes, views, pairs of points) the entries of each view's J J^T, scaled to trace one."""
    factors = pipeline.directions[classes].astype(np.float32) * singular_values[classes][:, :, None, :]
    products = factors @ factors.swapaxes(2, 3)
    products /= np.trace(products, axis1=2, axis2=3)[..., None, None]
    return products[..., *np.triu_indices(products.shape[-1])]


drawn_classes = np.random.default_rng(seed).permutation(live)[:1000]
of_drawn = pipeline.directions[drawn_classes], singular_values[drawn_classes], usable[drawn_classes]
shared = {
    "log spectrum": canonical_correlations(encoder_input(*of_drawn[:2], scale)[..., -1, :].astype(float)),
    "inner products": canonical_correlations(inner_products(drawn_classes).astype(float)),
    "untrained embedding": canonical_correlations(encode_views(untrained, *of_drawn).astype(float)),
    "trained embedding": canonical_correlations(encode_views(encoder, *of_drawn).astype(float)),
}
header = ("description", *(f"direction {k}" for k in range(1, 7)), "directions above 0.5")
rows = [
    (name, *(f"{value:.2f}" for value in values[:6]), f"{np.count_nonzero(values > 0.5)}")
    for name, values in shared.items()
]
strong = np.count_nonzero(shared["log spectrum"] > 0.5)
Markdown(
    markdown_table(header, rows, numeric=tuple(range(1, 8)))
    + f"\n\nTwo initialisations of one architecture agree in {strong} directions of the log spectrum with a correlation "
    f"above 0.5, of {singular_values.shape[-1]}: that little is what contrast can learn from a single view. A direction "
    "with a weak correlation still says something when several views are averaged, as the rivals of [chapter "
    "5](05_analysis) do with the spectrum; contrast of two views gains little from it."
)

# %% [markdown]
# ### The cross-correlation matrix, before and after
#
# The matrices are of the embeddings, as everything downstream uses them. The loss sees one more linear layer, so their
# off-diagonal entries need not vanish; but a diagonal entry still says whether a feature means the same in both views.
# What any linear layer could make of the embeddings shows better in their principal components: a direction whose
# values correlate between the views is knowledge about the architecture, one that does not is noise.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-correlation", "caption": "Cross-correlation of the embeddings of two views over one batch of architectures: the first 128 features, for the untrained encoder (left) and the trained one (middle). Right: correlation between the two views along each principal component of the embedding; the grey band is what chance gives (95 %)."}, "image": {"alt": "Two square matrices of correlations and a plot of the correlation between views against the number of the principal component for both encoders"}}
generator = np.random.default_rng(seed)
batch = np.sort(generator.choice(live, min(config.batch, len(live)), replace=False))
encoders = {"untrained": untrained, "trained": encoder}
batch_views = pipeline.directions[batch][:, :2], singular_values[batch][:, :2], usable[batch][:, :2]
twins = {name: encode_views(one, *batch_views) for name, one in encoders.items()}
matrices = {name: cross_correlation(*torch.from_numpy(views).unbind(1)).numpy() for name, views in twins.items()}


def component_agreement(views):
    """Correlation between two views (n, 2, d) along the principal components of all views, those with variance."""
    centred = views.astype(float) - views.mean(axis=(0, 1))
    strengths, directions = np.linalg.svd(centred.reshape(-1, centred.shape[-1]), full_matrices=False)[1:]
    first, second = np.moveaxis(centred @ directions[strengths > 1e-5 * strengths[0]].T, 1, 0)
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(first.T, second.T, strict=True)])


agreement = {name: component_agreement(views) for name, views in twins.items()}
colours = {"untrained": style.COLOURS["orange"], "trained": style.COLOURS["blue"]}
drawn, axes = plt.subplots(1, 3, figsize=(style.TEXT_WIDTH, 2.6), width_ratios=(1, 1, 1.25))
for axis, (name, matrix) in zip(axes, matrices.items(), strict=False):
    image = axis.imshow(matrix[:128, :128], cmap="RdBu_r", vmin=-1, vmax=1)
    axis.set(title=name, xlabel="feature of view B", xticks=[], yticks=[])
axes[0].set_ylabel("feature of view A")
drawn.colorbar(image, ax=axes[:2], label="correlation", ticks=[-1, 0, 1], shrink=0.6, location="bottom", aspect=30)
chance = 1.96 / np.sqrt(len(batch))
axes[2].axhspan(-chance, chance, color="0.9")
for name, values in agreement.items():
    axes[2].plot(1 + np.arange(len(values)), values, label=name, color=colours[name], linewidth=1)
axes[2].set(xscale="log", xlabel="principal component", ylabel="correlation between views", ylim=(-0.25, 1.02))
axes[2].legend()
plt.show()

# %% tags=["hide-input"]
rows = []
for name, matrix in matrices.items():
    diagonal = np.diag(matrix)
    rest = matrix[~np.eye(len(matrix), dtype=bool)]
    high = np.count_nonzero(agreement[name] > 0.5)
    rows.append((name, f"{diagonal.mean():.2f}", f"{np.abs(rest).mean():.2f}", f"{high} of {len(agreement[name])}"))
header = ("encoder", "mean of the diagonal", "mean size off the diagonal", "components with correlation above 0.5")
Markdown(markdown_table(header, rows, numeric=(1, 2, 3)))

# %% [markdown]
# ## Does it hold?
#
# We test both requirements on embeddings of *views*. The **margin** is the mean cosine similarity of two
# views of one architecture less that of two views of different ones. **Retrieval** is the fraction of views whose
# nearest other view belongs to the same architecture.
#
# The encoder has seen the stored views during training, so the test uses new initialisations, with seeds of their own,
# of a random sample of architectures. The rivals, in the order of what they know:
#
# - *spectrum*: the last row of {eq}`eq:input`, no network at all;
# - *EPDJM*: the whole input of the encoder, flattened;
# - *untrained*: the encoder before its first step;
# - *trained*; and *trained, seen views*: the same architectures, but the views of the training.
#
# A cosine similarity depends on the origin. All rows are shown as they are, which is how {eq}`eq:distances` uses them,
# and with the mean of the sample subtracted.

# %%
sample = np.sort(generator.choice(live, min(gallery, len(live)), replace=False))
read = settings.closed_form.readings
recipe = ViewRecipe(pipeline.images.pixels, settings.views.per_class, seed + 1, pipeline.precision, read)
fresh = [class_views(pipeline.view_space, int(representatives[number]), int(number), recipe) for number in sample]
fresh_views = (
    np.stack([views.directions for views in fresh]),
    np.stack([views.singular_values for views in fresh]),
    np.stack([views.usable for views in fresh]),
)
everything = fresh_views[2].all(axis=1)
fresh_views = tuple(array[everything] for array in fresh_views)
fresh_readings = {name: np.stack([views.readings[name] for views in fresh])[everything] for name in read}
sample = sample[everything]

inputs = encoder_input(fresh_views[0], fresh_views[1], scale)
described = {
    "spectrum": inputs[..., -1, :],
    "EPDJM": inputs.reshape(*inputs.shape[:2], -1),
    "untrained": encode_views(untrained, *fresh_views),
    "trained": encode_views(encoder, *fresh_views),
    "trained, seen views": encode_views(encoder, pipeline.directions[sample], singular_values[sample], usable[sample]),
}

# %% [markdown]
# Intervals are by bootstrap over architectures, so both statistics are needed for each one; averaged, they are the
# package's `same_class_margin` and `retrieval_accuracy`.


# %%
def similarities(views):
    """Cosine similarity of all views (classes, views, d), as (classes, views, classes, views)."""
    unit = views / np.linalg.norm(views, axis=-1, keepdims=True)
    return np.einsum("ivd,jwd->ivjw", unit, unit, optimize=True)


def same_and_different(views):
    """Mean similarity of each class's views to each other, and to those of the other classes, (classes,) each."""
    similarity = similarities(views.astype(np.float64))
    classes, count = views.shape[:2]
    own = np.einsum("iviw->ivw", similarity)
    same = (own.sum(axis=(1, 2)) - np.einsum("ivv->i", own)) / (count * (count - 1))
    different = (similarity.sum(axis=(1, 2, 3)) - own.sum(axis=(1, 2))) / (count**2 * (classes - 1))
    return same, different


def retrieved(views):
    """Fraction of each class's views whose nearest other view is of the class, (classes,)."""
    similarity = similarities(views.astype(np.float64)).reshape(2 * [views.shape[0] * views.shape[1]])
    np.fill_diagonal(similarity, -np.inf)
    nearest = similarity.argmax(axis=1) // views.shape[1]
    return (nearest.reshape(views.shape[:2]) == np.arange(len(views))[:, None]).mean(axis=1)


rows = []
for name, views in described.items():
    for origin, moved in (("as it is", views), ("centred", views - views.mean(axis=(0, 1)))):
        same, different = same_and_different(moved)
        hits = retrieved(moved)
        mask = np.ones(moved.shape[:2], dtype=bool)
        assert np.isclose(same.mean() - different.mean(), same_class_margin(moved.astype(np.float64), mask))
        assert np.isclose(hits.mean(), retrieval_accuracy(moved.astype(np.float64), mask))
        for claim, values in (("margin", same - different), ("retrieval", hits)):
            interval = bootstrap_interval(values, seed, np.mean)
            rows.append(
                (name, origin, claim, interval.value, interval.low, interval.high, same.mean(), different.mean())
            )
columns = ["described by", "cosine", "claim", "value", "low", "high", "same", "different"]
claims = pd.DataFrame(rows, columns=columns)
write_table(results / "03_contrastive_embeddings_claims.csv", claims)
chance = (settings.views.per_class - 1) / (len(sample) * settings.views.per_class - 1)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-claims", "caption": "The two requirements, tested: margin between views of one architecture and views of different ones (left), and fraction of views whose nearest other view is of the same architecture (right), with 95 % intervals by bootstrap over architectures. Filled: cosine as it is; open: with the mean subtracted; dotted: chance."}, "image": {"alt": "Two dot plots with intervals, a row for spectrum, EPDJM, untrained encoder, trained encoder and trained encoder on seen views"}}
drawn, axes = style.figure(1, 2, panel_height=2.7)
for axis, claim, label, guess in zip(
    axes,
    ("margin", "retrieval"),
    ("margin (cosine similarity)", "retrieval (fraction of views)"),
    (0, chance),
    strict=True,
):
    axis.axvline(guess, color="black", linestyle=":", linewidth=0.8)
    for origin, offset, filled in (("as it is", -0.12, True), ("centred", 0.12, False)):
        part = claims[(claims["claim"] == claim) & (claims["cosine"] == origin)]
        for place, row in enumerate(part.itertuples()):
            colour = style.COLOURS[
                "blue" if row[1].startswith("trained") else "orange" if row[1] == "untrained" else "black"
            ]
            face = colour if filled else "white"
            axis.plot([row.low, row.high], 2 * [place + offset], color=colour, linewidth=1.2)
            axis.plot(row.value, place + offset, "o", markersize=5, color=colour, markerfacecolor=face)
    axis.set(xlabel=label, yticks=range(len(described)), yticklabels=list(described) if claim == "margin" else [])
    axis.invert_yaxis()
plt.show()

# %% tags=["hide-input"]
found = claims.set_index(["described by", "cosine", "claim"])


def shown(name, claim, origin="as it is"):
    row = found.loc[(name, origin, claim)]
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def verdict(claim, rival, origin):
    """Whether the trained encoder is above a rival: intervals that overlap do not tell."""
    one, other = found.loc[("trained", origin, claim)], found.loc[(rival, origin, claim)]
    if one["low"] > other["high"]:
        return "larger"
    return "smaller" if one["high"] < other["low"] else "not told apart"


table = markdown_table(
    ("described by", "same architecture", "different ones", "margin", "retrieval", "retrieval, centred"),
    [
        (
            name,
            f"{found.loc[(name, 'as it is', 'margin')]['same']:.4f}",
            f"{found.loc[(name, 'as it is', 'margin')]['different']:.4f}",
            shown(name, "margin"),
            shown(name, "retrieval"),
            shown(name, "retrieval", "centred"),
        )
        for name in described
    ],
    numeric=(1, 2, 3, 4, 5),
)
rivals = ("untrained", "EPDJM", "spectrum")
tests = [(claim, origin) for claim in ("margin", "retrieval") for origin in ("as it is", "centred")]
compared = [(rival, *(verdict(claim, rival, origin) for claim, origin in tests)) for rival in rivals]
larger = sum(cell == "larger" for _, *verdicts in compared for cell in verdicts)
Markdown(
    f"{table}\n\n*{len(sample)} architectures with {settings.views.per_class} new views each; chance retrieves "
    f"{chance:.3f}.*\n\nThe trained encoder on initialisations that it has never seen, against each rival:\n\n"
    + markdown_table(("against", *(f"{claim}, {origin}" for claim, origin in tests)), compared)
    + f"\n\nThe trained encoder is ahead in {larger} of {len(rivals) * len(tests)} comparisons; where intervals overlap, the two "
    "are not told apart."
)

# %% [markdown]
# Averages hide how close to 1 these similarities are. The next figure shows them all.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-similarities", "caption": "Cosine distances (1 less the similarity) between new views of one architecture and of different architectures, on a logarithmic scale. The more the two histograms overlap, the less an embedding of one view says about which architecture it is."}, "image": {"alt": "Histograms of cosine distances of same and different architectures for the spectrum, the untrained and the trained encoder"}}
drawn, axes = style.figure(1, 3, panel_height=2.3)
for axis, name in zip(axes, ("spectrum", "untrained", "trained"), strict=True):
    distance = 1 - similarities(described[name].astype(np.float64))
    classes, count = described[name].shape[:2]
    own = np.einsum("iviw->ivw", distance)[:, ~np.eye(count, dtype=bool)].ravel()
    upper = np.triu(np.ones((classes, classes), dtype=bool), 1)
    other = distance.transpose(0, 2, 1, 3)[upper].ravel()
    bins = np.geomspace(np.quantile(own, 0.002).clip(1e-7), other.max(), 50)
    for values, label, colour in ((own, "one architecture", "blue"), (other, "different ones", "vermilion")):
        axis.hist(
            values,
            bins,
            density=False,
            weights=np.full(len(values), 100 / len(values)),
            histtype="step",
            label=label,
            color=style.COLOURS[colour],
        )
    axis.set(xscale="log", title=name, xlabel="cosine distance")
axes[0].set_ylabel("pairs (%)")
axes[0].legend(loc="upper left")
axes[0].set_ylim(0, 1.35 * axes[0].get_ylim()[1])
plt.show()

# %% [markdown]
# ## What was thrown away
#
# A data Jacobian is a matrix $X = U \Sigma V^\top$ of one gradient image for each data point. The projection
# {eq}`eq:projection` keeps $U$ and $\Sigma$: *which* images, and how strongly. $V$, *where in the image*, is dropped, and
# of what is kept the signs are arbitrary. Statistics of the whole Jacobian that do not change with what means nothing
# are called its *readings* here ([chapter 2](02_data_jacobians) introduces the Jacobian):
#
# | reading | what it is |
# |---|---|
# | spectrum | logarithms of the singular values |
# | spatial power | how much of the gradients' power is at each spatial frequency: how smooth they are |
# | energy map | how much of the gradients' energy is at each pixel: padding, strides and receptive fields leave patterns |
# | magnitudes | how unequal the entries of a gradient are |
# | likeness | how alike the gradients of two images are, for images that are more and less alike |
#
# ### Contrast in closed form
#
# A reading $z$ of a network is what its architecture gives it and what its initialisation adds, $z = m + u + e$. Over
# architectures $u$ has a covariance $B$, over initialisations $e$ has a covariance $W$, and both can be estimated from a
# few views of each. The directions that tell architectures apart best against the noise of initialisation solve
#
# $$
# B a = \lambda W a, \qquad a^\top W a = 1 ,
# $$ (eq:closed-form)
#
# and $\lambda$ is the ratio of signal to noise of one view along $a$: how much there is to learn. It is what a linear
# encoder with an ideal contrastive loss would find {cite:p}`haochen2021spectral`. There is no training, no seed, and
# it takes seconds. Each reading is standardised and reduced to its leading principal components first, $W$ is shrunk a
# little towards the identity, and a coordinate counts by its reliability, $\sqrt{\lambda / (1 + \lambda)}$.

# %%
SETS = {
    "spectrum": ("spectrum",),
    "and spatial power": ("spectrum", "spatial-power"),
    "and energy map": ("spectrum", "spatial-power", "energy-map"),
    "all readings": read,
}
closed_forms = {name: ClosedFormEmbedding(pipeline, readings) for name, readings in SETS.items()}
ours = closed_forms["all readings"]


def own_place(queries, known, own, metric):
    """Place (queries,) of each query's own class among the known ones by distance, 1 if it is the nearest."""
    distances = cdist(queries, known, metric)
    return 1 + np.count_nonzero(distances < distances[np.arange(len(own)), own][:, None], axis=1)


def of(readings, views):
    return {name: views[name] for name in readings}


every = fresh_views[2]
fresh_spectra = np.where(every[..., None], fresh_views[1].astype(float), np.nan)
described_by = {
    "log spectrum, no encoder": (
        log_spectrum(fresh_spectra),
        np.nan_to_num(log_spectrum(pipeline.spectrum)),
        "euclidean",
    ),
    "the paper's recipe, untrained": (described["untrained"].mean(axis=1), pipeline.untrained_embedding, "cosine"),
    "the paper's recipe, trained": (described["trained"].mean(axis=1), pipeline.embedding, "cosine"),
    **{
        f"closed form: {name}": (
            embedded_classes(one.encoder, of(one.readings, fresh_readings), every),
            one.embedding,
            "euclidean",
        )
        for name, one in closed_forms.items()
    },
}
places = {name: own_place(queries, known, sample, metric) for name, (queries, known, metric) in described_by.items()}

# %% [markdown]
# ### Recognised at fresh weights?
#
# The plainest test of an identity: build a known architecture again, draw its weights anew, embed it, and look for it
# among all known classes. Both embeddings are means over as many views. The table says how often the architecture itself
# is the nearest, or among the ten nearest, and its median place.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-identity", "caption": "Left: signal to noise of one view along each direction of the closed form, by what is read of the Jacobian; dotted: as much noise as signal. Right: how often a known architecture, at fresh weights, has itself among its k nearest of all classes; dotted: by chance."}, "image": {"alt": "Two line plots: falling signal to noise ratios that are higher the more is read, and rising shares of recognised architectures"}}
shades = dict(zip(SETS, ("black", "sky blue", "green", "blue"), strict=True))
drawn, axes = style.figure(1, 2, panel_height=2.9)
for name, one in closed_forms.items():
    ratios = one.encoder.signal_to_noise
    axes[0].plot(1 + np.arange(len(ratios)), ratios, marker="o", markersize=3, color=style.COLOURS[shades[name]])
axes[0].axhline(1, color="black", linestyle=":", linewidth=0.8)
axes[0].set(yscale="log", xlabel="direction", ylabel="signal to noise λ", xticks=(1, 4, 8, 12, 16))
nearest = np.unique(np.geomspace(1, len(usable), 60).astype(int))
for name, place in places.items():
    _, _, kind = name.partition("closed form: ")
    line = {"color": style.COLOURS[shades[kind]]} if kind else {"color": style.COLOURS["vermilion"], "linestyle": "--"}
    if kind or name.endswith(", trained"):
        label = kind or name
        axes[1].plot(nearest, [100 * (place <= k).mean() for k in nearest], label=label, **line)
axes[1].plot(nearest, 100 * nearest / len(usable), color="black", linestyle=":", linewidth=0.8)
axes[1].set(xscale="log", xlabel="k", ylabel="recognised among k nearest (%)", ylim=(0, 118), yticks=range(0, 101, 20))
axes[1].legend(fontsize=7, loc="upper left")
plt.show()

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
in_ten = {name: bootstrap_interval((place <= 10).astype(float), seed, np.mean) for name, place in places.items()}
write_table(results / "03_contrastive_embeddings_identity.csv", pd.DataFrame(places).assign(class_number=sample))
best_form, recipe_place = "closed form: all readings", "the paper's recipe, trained"
rows = [
    (
        name,
        f"{100 * (place == 1).mean():.1f}",
        f"{100 * in_ten[name].value:.1f} [{100 * in_ten[name].low:.1f}, {100 * in_ten[name].high:.1f}]",
        f"{np.median(place):,.0f}",
    )
    for name, place in places.items()
]
gain = bootstrap_interval(
    (places[best_form] <= 10).astype(float) - (places[recipe_place] <= 10).astype(float), seed, np.mean
)
write_records(
    results / "03_contrastive_embeddings.json",
    [
        judge(
            "embedding.identity.top10",
            in_ten[best_form],
            reason=f"{settings.views.cells} cells a stage, {settings.views.per_class} views against as many, of "
            f"{len(usable):,} classes (profile {profile})",
            baseline=in_ten["log spectrum, no encoder"].value,
        )
    ],
)
ratios = ours.encoder.signal_to_noise
Markdown(
    markdown_table(("described by", "nearest (%)", "among ten nearest (%)", "median place"), rows, numeric=(1, 2, 3))
    + f"\n\n*{len(sample)} known architectures at fresh weights, {settings.views.per_class} views against "
    f"{settings.views.per_class}, of {len(usable):,} classes; by chance {1000 / len(usable):.1f} % are among the ten nearest.*"
    f"\n\nBy the closed form on all readings **{100 * in_ten[best_form].value:.0f} %** of the architectures have themselves "
    f"among their ten nearest; by the paper's recipe {100 * in_ten[recipe_place].value:.0f} %. The difference is "
    f"{100 * gain.value:.0f} points [{100 * gain.low:.0f}, {100 * gain.high:.0f}]: in recognising, the closed form is "
    f"{told(gain)}. Of its {len(ratios)} directions, {np.count_nonzero(ratios > 1)} carry more signal than noise; of the "
    f"spectrum's, {np.count_nonzero(closed_forms['spectrum'].encoder.signal_to_noise > 1)}."
)

# %% [markdown]
# ### And architectures that it has never seen?
#
# The closed form above was fitted on other views of the very architectures it recognises. Here it is fitted on one half
# of the classes, and has to tell the other half apart: the first half of each unseen class's views against the second.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
shuffled_classes = generator.permutation(live)
seen, unseen = np.array_split(shuffled_classes, 2)
rows = []
for name, one in closed_forms.items():
    views = one.views_of(unseen, one.fitted_on(seen))
    first, second = (part.mean(axis=1) for part in np.array_split(views, 2, axis=1))
    place = own_place(first, second, np.arange(len(unseen)), "euclidean")
    share = bootstrap_interval((place <= 10).astype(float), seed, np.mean)
    rows.append(
        (
            name,
            f"{100 * (place == 1).mean():.1f}",
            f"{100 * share.value:.1f} [{100 * share.low:.1f}, {100 * share.high:.1f}]",
            f"{np.median(place):,.0f}",
        )
    )
Markdown(
    markdown_table(
        ("read of the Jacobian", "nearest (%)", "among ten nearest (%)", "median place"), rows, numeric=(1, 2, 3)
    )
    + f"\n\n*{len(unseen):,} classes that the fit has not seen; by chance {1000 / len(unseen):.1f} % are among the ten nearest.*"
    "\n\nWhat is above chance here cannot come from a list of known architectures. It is knowledge of which differences "
    "between Jacobians are an architecture's and which are an initialisation's."
)

# %% [markdown]
# ### Would other settings do better?
#
# Which readings, how many components, how much shrinkage, how many principal components of a reading? The settings of the
# profiles were chosen by hand, on views and CIFAR-10 labels of 840 classes of NAS-Bench-201. A study by optuna tries
# others, on classes that were declared beforehand and contain those, and on labels on one data set. So CIFAR-10 is not
# untouched by these choices where all classes are judged on it; CIFAR-100 and ImageNet16-120 are.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
study = TuningStudy(dataset, min(1000, len(usable) // 5), min(400, len(usable) // 12), trials=tuning_trials, seed=seed)
trials = tune_closed_form(pipeline, study)
write_table(results / "03_contrastive_embeddings_tuning.csv", trials)
ranked = trials.sort_values("tau", ascending=False, kind="stable")
rows = [
    (
        str(number + 1),
        f"{row.tau:.3f}",
        row.readings.replace(" ", ", "),
        str(row.components),
        f"{row.shrinkage:.3f}",
        str(row.principal),
    )
    for number, row in [(0, trials.iloc[0]), *list(ranked.iterrows())[:5]]
]
Markdown(
    markdown_table(("trial", "τ", "readings", "components", "shrinkage", "principal"), rows, numeric=(0, 1, 3, 4, 5))
    + f"\n\n*{len(trials)} trials on {study.classes:,} declared classes, {study.train_size} of them with labels on {dataset}, "
    f"mean of {study.splits} splits; the profile's own settings and the best five.*\n\n"
    f"The best trial is {ranked.tau.iloc[0] - trials.tau.iloc[0]:.3f} above the profile's settings on the classes that it "
    "was chosen by, and so less on others."
)

# %% [markdown]
# ## Are neighbours alike in accuracy?
#
# The caption of the paper's Figure 1 promises more: "The contrastive model learns to generate similar embeddings for
# networks with similar performance". No accuracy was used, so this is a finding to be made, not a consequence. We take
# every architecture's nearest neighbours and compare accuracies, with the raw encoding (a vector of operations) and the
# number of parameters as rivals.


# %%
def gaps(matrix, metric):
    """Mean absolute difference in accuracy (classes,) between each class and its nearest neighbours."""
    search = NearestNeighbors(n_neighbors=neighbours, metric=metric, algorithm="brute").fit(matrix)
    nearest = search.kneighbors(return_distance=False)
    return np.abs(class_accuracy[live][nearest] - class_accuracy[live][:, None]).mean(axis=1)


spaces = {
    "closed form": (ours.embedding[live], "euclidean"),
    "trained": (pipeline.embedding[live], "cosine"),
    "untrained": (pipeline.untrained_embedding[live], "cosine"),
    "spectrum": (spectra.reshape(len(live), -1, spectra.shape[-1]).mean(axis=1), "cosine"),
    "operations, one-hot": (pipeline.space.one_hot()[representatives[live]], "euclidean"),
    "log parameters": (log_parameters(pipeline.parameters[representatives[live]]), "euclidean"),
}
differences = {name: gaps(*space) for name, space in spaces.items()}
shuffled = np.abs(class_accuracy[live][generator.permutation(len(live))] - class_accuracy[live])
intervals = {
    name: bootstrap_interval(values, seed, np.mean)
    for name, values in {**differences, "random pairs": shuffled}.items()
}
write_table(
    results / "03_contrastive_embeddings_neighbours.csv",
    pd.DataFrame(
        [(name, one.value, one.low, one.high) for name, one in intervals.items()],
        columns=["space", "difference", "low", "high"],
    ),
)
best = min((name for name in intervals if name != "closed form"), key=lambda name: intervals[name].value)
paired = bootstrap_interval(differences["closed form"] - differences.get(best, shuffled), seed, np.mean)
Markdown(
    markdown_table(
        ("neighbours by", "mean difference in accuracy (percentage points)"),
        [
            (name, f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]")
            for name, one in sorted(intervals.items(), key=lambda item: item[1].value)
        ],
        numeric=(1,),
    )
    + f"\n\n*{neighbours} nearest of {len(live):,} live classes, {dataset} {settings.space.split} accuracy; intervals "
    "by bootstrap over classes.*\n\n"
    f"The closed form minus the best of the others, *{best}*: {signed(paired, 2)} points; lower is better, and the closed "
    f"form is {told(paired, lower_is_better=True)}."
)

# %% [markdown]
# ## The whole way
#
# The paper's Figure 1, from the arrays of this run: one architecture, a weight matrix of each of two initialisations,
# the projected Jacobians, the embeddings of the two views, and the cell of the unit square that [the next
# chapter](04_layout) gives it.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-pipeline", "caption": "The method, drawn from this run's arrays. The square is divided into one cell for each class, of equal area, coloured by accuracy (dark: low, bright: high); the chosen architecture's is outlined. Compare Figure 1 of the paper."}, "image": {"alt": "A diagram from left to right: a cell as a graph, two weight matrices, two projected Jacobians, the contrastive encoder, two embeddings, and a unit square divided into coloured cells"}}
weights = []
for view in range(2):
    weight_seed, rescale_seed = view_seeds(seed, chosen, view)
    built = pipeline.view_space.build(int(representatives[chosen]), weight_seed)
    rescale_weights(built, np.random.default_rng(rescale_seed))
    weights.append(next(built.parameters()).detach().flatten(1).numpy())
pair = pipeline.directions[[chosen]][:, :2], singular_values[[chosen]][:, :2], usable[[chosen]][:, :2]
layout = pipeline.layout
drawn = plots.pipeline_diagram(
    pipeline.space.architecture(int(representatives[chosen])),
    list(zip(weights, encoder_input(pair[0][0], pair[1][0], scale), encode_views(encoder, *pair)[0], strict=True)),
    laguerre_cells(layout["positions"], layout["weights"]).polygons(),
    class_accuracy,
    chosen,
)
style.save_svg(drawn, results / "03_contrastive_embeddings_pipeline.svg")
plt.show()
