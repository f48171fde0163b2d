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
# # Embeddings while networks train
#
# So far every network was looked at before it had learned anything. Nothing in the method asks for that: a trained
# network has a data Jacobian too, and the encoder places it. Section 4.4 of {cite:t}`anonymous2021cena` embeds 20
# networks after each of their first 50 epochs and draws their paths (Figure 4). It reads from the picture that *the
# training procedure tends to connect areas with similar final test accuracy*, and hopes that a search could use it.
#
# We draw the picture, and then test the sentence by numbers: do the embeddings of networks in training tell more about
# their final accuracy than those of untrained ones? And do they tell more than what anybody who trains a network sees
# anyway, its training accuracy? The *embedding* is ours, the closed form of [](03_contrastive_embeddings); *the paper's
# recipe* is its MLP-Mixer on the EPDJM. Both saw networks at their initialisation only, and both look at the same
# Jacobians.

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run
architectures: int = 20  # [4..200] architectures of Figure 4, of those of the sample
epochs: int = 0  # [0..200] epochs of each of them; 0: the profile's number
sample: int = 100  # [20..2000] random architectures whose final accuracy is predicted
sample_epochs: int = 0  # [0..200] epochs of each of those; 0: the profile's number
training_images: int = 0  # [0 | 100..10000] images to train on; 0: the profile's number
neighbours: int = 5  # [1..19] nearest neighbours that predict an architecture's final accuracy

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from IPython.display import HTML, Markdown, display
from matplotlib.collections import LineCollection
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from cena.companion.project import results_folder
from cena.contrast import encode_views
from cena.data.images import images
from cena.evaluate import (
    bootstrap_draws,
    fill_dead,
    judge,
    log_parameters,
    log_spectrum,
    nearest,
    neighbours_alike,
    neighbours_rank,
    rank_correlation,
    shuffled_ranks,
    write_records,
    write_table,
)
from cena.jacobians import ViewStatus
from cena.report import style
from cena.report.tables import NAMES, markdown_table
from cena.report.wording import in_words, told
from cena.study.closed_forms import ClosedFormEmbedding
from cena.study.pipeline import Pipeline
from cena.study.trajectories import embedded, embedded_in_closed_form, load_trajectories, trajectory_files
from cena.trajectories import TrajectoryConfig, TrajectoryExperiment, network_views, trained_network, training_set

style.use_style()
stem = "06_training_trajectories"
RECIPE = "paper's recipe"
results = results_folder(profile)
pipeline = Pipeline(profile)
settings = pipeline.profile
space, dataset = pipeline.view_space, settings.space.datasets[0]
one_each = pipeline.representatives  # one architecture of each class
sampled = one_each[np.random.default_rng(settings.seed).permutation(len(one_each))[:sample]]
architectures = min(architectures, len(sampled))
training = settings.trajectories
epochs = epochs or training.epochs
sample_epochs = sample_epochs or training.sample_epochs
data = training_set(dataset, settings.views.resolution, training_images or training.images)
seeds = tuple(range(training.seeds))
cells = f"{settings.views.cells} cell{'s' * (settings.views.cells > 1)} a stage"
size = f"{settings.views.resolution}x{settings.views.resolution} images"
Markdown(
    f"This run: profile `{profile}`. Networks of the {NAMES.get(settings.space.name, settings.space.name)} space with "
    f"{settings.views.channels} channels, {cells} and {size} are trained on {len(data.images):,} images of "
    f"{NAMES[dataset]} and tested on {len(data.test_images):,}: {architectures} for {epochs} epochs and {len(sampled)} for "
    f"{sample_epochs}, each from {len(seeds)} seeds, in batches of {training.batch}. *Final* means after the last of these epochs, "
    "not as in the benchmark. The paper trains for 50 epochs and leaves the data and the size of the networks open."
)

# %% [markdown]
# ## A view of a trained network
#
# An encoder averages over views, and a view was a random initialisation. What is a view of a network that is trained?
# Its weights are given. Other *images* would be a view of the data, not of the network: augmented images, or other data
# points, leave the weights as they are. What is random about a trained network is its training. So an architecture is
# trained from several seeds $s$, each of which draws initial weights and the order of the images, and the networks of
# all seeds after $e$ epochs, $f_{a, s, e}$, are the views of architecture $a$ at that time:
#
# $$
# z_e(a) = \frac{1}{S} \sum_{s=1}^{S} \mathrm{enc}\bigl(J_{f_{a, s, e}}(X)\bigr) .
# $$ (eq:trajectory)
#
# Before the first epoch, $z_0$ is the embedding of the earlier chapters, from initialisations that the encoder was not
# fitted to. The points $X$ are those it was fitted to, and batch normalisation uses their statistics, as before;
# further below we measure what other points would do.
#
# A random sample of architectures serves the statistics. For the picture some of them are chosen, spread evenly over
# the sample's range of accuracies in the benchmark.


# %%
def spread(accuracy, count):
    """The architectures nearest to `count` evenly spaced accuracies from the worst to the best, none twice."""
    chosen = []
    for target in np.linspace(accuracy.min(), accuracy.max(), count):
        distance = np.abs(accuracy - target)
        distance[chosen] = np.inf
        chosen.append(int(distance.argmin()))
    return chosen


def trained(chosen, epochs):
    """The files with the trajectories of some architectures, trained if they are not stored."""
    config = TrajectoryConfig(epochs, seeds, training.batch, training.learning_rate, pipeline.precision, ours.readings)
    experiment = TrajectoryExperiment(space, data, pipeline.images.pixels, config)
    return trajectory_files(pipeline.store, experiment, chosen)


ours = ClosedFormEmbedding(pipeline)
drawn = sampled[spread(pipeline.accuracy(dataset)[sampled], architectures)]
files = trained(drawn, epochs)
paths = load_trajectories(files)
many = load_trajectories(trained(sampled, sample_epochs))
places = embedded_in_closed_form(ours.encoder, paths)
many_places = {
    "embedding": embedded_in_closed_form(ours.encoder, many),
    RECIPE: embedded(pipeline.encoder, many),
}

# %% tags=["hide-input"]
final = paths.test_accuracy[:, -1].mean(axis=1).astype(np.float64)
many_final = many.test_accuracy[:, -1].mean(axis=1).astype(np.float64)
learned = paths.training_accuracy.mean(axis=2)
dead = sum(int((each.status == ViewStatus.DEAD).all(axis=(1, 2)).sum()) for each in (paths, many))
broken = sum(int((each.status == ViewStatus.NON_FINITE).any(axis=(1, 2)).sum()) for each in (paths, many))
Markdown(
    f"After {epochs} epochs the {architectures} architectures reach between {final.min():.0f} and {final.max():.0f} % "
    f"test accuracy (training accuracy: {learned[:, -1].min():.0f} to {learned[:, -1].max():.0f} %); after "
    f"{sample_epochs} the {len(sampled)} of the sample between {many_final.min():.0f} and {many_final.max():.0f} %. "
    f"Networks whose output does not depend on the input: {dead}; with a Jacobian that is not finite: {broken}. Both "
    "stay in: the embedding puts them below all others, the paper's recipe gives them the place of a zero matrix."
)

# %% [markdown]
# ## The picture
#
# All places of all trajectories, by our embedding, are projected together: at most 50 principal components, then t-SNE
# {cite:p}`vandermaaten2008tsne` with default settings. t-SNE keeps neighbours and not distances: how long a path looks
# says little.

# %% mystnb={"figure": {"name": "fig-trajectories", "caption": "Figure 4 of the paper: t-SNE projection of the embeddings of networks while they train. A line is an architecture, from the white dot before training to the full dot after the last epoch; its colour is the accuracy that it will reach."}, "image": {"alt": "Paths of architectures in the plane, coloured by final test accuracy, each from a white to a coloured dot."}} tags=["hide-input"]
with threadpool_limits(1):
    flat = places.reshape(-1, places.shape[-1])
    reduced = PCA(min(50, *flat.shape), svd_solver="full").fit_transform(flat.astype(np.float64))
    plane = (
        TSNE(perplexity=min(30, (len(flat) - 1) / 3), random_state=settings.seed)
        .fit_transform(reduced)
        .reshape(architectures, epochs + 1, 2)
    )
write_table(
    results / f"{stem}_fig4.csv",
    pd.DataFrame(
        {
            "architecture": np.repeat(drawn, epochs + 1),
            "epoch": np.tile(np.arange(epochs + 1), architectures),
            "x": plane[..., 0].ravel(),
            "y": plane[..., 1].ravel(),
            "training_accuracy": learned.ravel(),
            "final_test_accuracy": np.repeat(final, epochs + 1),
        }
    ),
)

figure, [panel] = style.figure(panel_height=4.4)
low, high = final.min(), final.max()
lines = LineCollection(list(plane), array=final, linewidths=1.2)
lines.set_clim(low, high)
panel.add_collection(lines)
panel.scatter(*plane[:, 0].T, s=16, color="white", edgecolors="black", linewidths=0.7, zorder=3)
panel.scatter(*plane[:, -1].T, s=30, c=final, vmin=low, vmax=high, edgecolors="black", linewidths=0.7, zorder=4)
panel.set(xticks=[], yticks=[], aspect="equal")
panel.spines[:].set_visible(False)
_ = figure.colorbar(lines, ax=panel, label=f"final {NAMES[dataset]} test accuracy (%)", shrink=0.85)
# %% [markdown]
# The same picture to explore: move the slider to an epoch, hover for the cell and its accuracies.

# %% tags=["hide-input"]
x, y = np.round(plane, 2).transpose(2, 0, 1)
colours = {
    "color": final.round(2).tolist(),
    "cmin": float(low),
    "cmax": float(high),
    "colorscale": "Viridis",
    "size": 11,
    "line": {"color": "black", "width": 1},
}


def at_epoch(epoch):
    """All architectures as dots at one epoch."""
    texts = [
        f"{space.architecture(int(architecture))}<br>training {now:.1f} %, finally test {last:.1f} %"
        for architecture, now, last in zip(drawn, learned[:, epoch], final, strict=True)
    ]
    return {"x": x[:, epoch].tolist(), "y": y[:, epoch].tolist(), "text": texts}


interactive = go.Figure()
for row in range(architectures):
    interactive.add_scatter(
        x=x[row].tolist(),
        y=y[row].tolist(),
        mode="lines",
        line={"color": "rgba(120,120,120,0.45)", "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
interactive.add_scatter(
    **at_epoch(0),
    mode="markers",
    marker={**colours, "showscale": True, "colorbar": {"title": {"text": "final (%)"}}},
    hovertemplate="%{text}<extra></extra>",
    showlegend=False,
)
interactive.frames = [
    go.Frame(data=[go.Scatter(at_epoch(epoch))], traces=[architectures], name=str(epoch)) for epoch in range(epochs + 1)
]
jump = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}}
interactive.update_layout(
    template="simple_white",
    height=520,
    margin={"t": 20, "l": 10, "r": 10, "b": 10},
    xaxis={"visible": False},
    yaxis={"visible": False, "scaleanchor": "x"},
    sliders=[
        {
            "currentvalue": {"prefix": "after epoch "},
            "steps": [
                {"label": str(epoch), "method": "animate", "args": [[str(epoch)], jump]} for epoch in range(epochs + 1)
            ],
        }
    ],
)
HTML(interactive.to_html(include_plotlyjs=False, full_html=False, div_id="fig4-interactive", auto_play=False))

# %% [markdown]
# ## Do the points matter?
#
# An encoder is fitted to one and the same set of points. Is an embedding about the network or about the network at these
# points? For the networks of the picture we take three more views: of the same networks at *other points* from the same
# source, and at the same points in *another order*, beside those of the *other seed* at the right points. Then we ask
# how often an architecture is retrieved: is the first view of its own the nearest among the first views of all
# architectures? Distances are Euclidean in our embedding, and between unit vectors, as the paper has it, in its recipe's.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
pixels = pipeline.images.pixels
other_points = images(settings.views.images, settings.views.points, settings.views.resolution, settings.seed + 1).pixels
other_order = pixels[np.random.default_rng(settings.seed).permutation(len(pixels))]


def placed(directions, singular_values, usable, readings):
    """(architectures, seeds, d) the embeddings of views by each encoder."""
    recipe = encode_views(pipeline.encoder, directions, singular_values, usable)
    return {
        "embedding": ours.encoder.embed(readings),
        RECIPE: recipe / np.linalg.norm(recipe, axis=2, keepdims=True),
    }


def seen_at(points, checkpoints):
    """The networks of the picture at some points, with the weights of their checkpoints or untrained."""
    views = [
        network_views(
            trained_network(space, int(architecture), seeds, file),
            len(seeds),
            points,
            pipeline.precision,
            ours.readings,
        )
        for architecture, file in zip(drawn, checkpoints, strict=True)
    ]
    arrays = ("directions", "singular_values", "usable")
    readings = {name: np.stack([each.readings[name] for each in views]) for name in ours.readings}
    return placed(*(np.stack([getattr(each, name) for each in views]) for name in arrays), readings)


def retrieved(views, references):
    """The share of architectures whose own first view is the nearest to a view of theirs."""
    return float((cdist(views, references).argmin(axis=1) == np.arange(architectures)).mean())


hits, rows = {}, []
for when, epoch, checkpoints in (("before training", 0, [None] * architectures), ("after training", -1, files)):
    own = placed(
        paths.directions[:, epoch],
        paths.singular_values[:, epoch],
        paths.usable[:, epoch],
        {name: reading[:, epoch] for name, reading in paths.readings.items()},
    )
    looks = {
        "the other seed, same points": {name: views[:, 1] for name, views in own.items()},
        "the same network, other points": {
            name: views[:, 0] for name, views in seen_at(other_points, checkpoints).items()
        },
        "the same network, same points in another order": {
            name: views[:, 0] for name, views in seen_at(other_order, checkpoints).items()
        },
    }
    for look, views in looks.items():
        hits[when, look] = {name: retrieved(views[name], own[name][:, 0]) for name in own}
        rows.append((when, look, *(f"{share:.0%}" for share in hits[when, look].values())))
same, other, shuffled = (hits["after training", look] for look in looks)
display(
    Markdown(markdown_table(("networks", "view", *same), rows, numeric=(2, 3))),
    Markdown(
        f"By chance it would be {1 / architectures:.0%}. After training, our embedding retrieves an architecture in "
        f"{same['embedding']:.0%} of cases from another seed at its points, in {other['embedding']:.0%} from the very same "
        f"network at other points, and in {shuffled['embedding']:.0%} when only the order of the points is another; the "
        f"paper's recipe in {same[RECIPE]:.0%}, {other[RECIPE]:.0%} and {shuffled[RECIPE]:.0%}. "
        + (
            "Our readings are statistics over the points, so their order means nothing to them. "
            if shuffled["embedding"] > 0.9
            else ""
        )
        + (
            "The recipe's places of single views are too alike, or too noisy, to tell."
            if max(same[RECIPE], other[RECIPE]) < 3 / architectures
            else "For the recipe the points are a part of the embedding: whoever uses its encoder has to use its points, in "
            "its order."
            if max(other[RECIPE], shuffled[RECIPE]) < same[RECIPE]
            else "For the recipe, too, other points do no more harm here than another seed does."
        )
    ),
)

# %% [markdown]
# ## How much do the embeddings know of the final accuracy?
#
# The random sample now. Its architectures are predicted from their nearest neighbours in the embedding after each
# epoch, themselves left out, as in {eq}`eq:neighbours`: the mean final accuracy of the nearest ones is compared with
# their own by Kendall's rank correlation ({eq}`eq:kendall`). The same is done with its rivals:
#
# - *the paper's recipe* on the same Jacobians;
# - *training accuracy* after the same epoch: what everybody who trains a network knows of it for free;
# - *log parameters*, the same at all epochs;
# - *log spectrum*: the singular values of the same Jacobians, without any encoder;
# - *shuffled labels*: the embedding with final accuracies that belong to other architectures, 500 times. (The
#   prediction from neighbours has no correlation then. A regression with one architecture left out would have a negative
#   one: without a signal it predicts the mean of all others, which is low where the architecture is high.)
#
# Intervals are 95 % intervals of the bootstrap over architectures. They do not contain the noise of other trainings or
# of another encoder.

# %%
draws = bootstrap_draws(len(sampled), settings.seed)
spectra = np.where(many.usable[..., np.newaxis], many.singular_values, np.nan)
features = {
    **{name: each.transpose(1, 0, 2) for name, each in many_places.items()},
    "log spectrum": [fill_dead(log_spectrum(spectra[:, epoch])) for epoch in range(sample_epochs + 1)],
    "training accuracy": many.training_accuracy.mean(axis=2).T,
    "log parameters": [log_parameters(pipeline.parameters[sampled])] * (sample_epochs + 1),
}
near = {name: [nearest(matrix, neighbours) for matrix in each] for name, each in features.items()}
ranks = {name: [neighbours_rank(each, many_final, draws) for each in near[name]] for name in near}
chance = np.array(
    [np.quantile(shuffled_ranks(each, many_final, settings.seed), [0.025, 0.975]) for each in near["embedding"]]
)
between_seeds = rank_correlation(*many.test_accuracy[:, -1].T, draws).interval

# %% mystnb={"figure": {"name": "fig-knowledge", "caption": "How well the nearest neighbours after each epoch rank final accuracy: Kendall's τ with its 95 % interval (bootstrap over architectures). Grey: where 95 % of the shuffled labels lie."}, "image": {"alt": "Kendall's tau against the epoch of training for the embedding, the paper's recipe, the log spectrum, training accuracy and log parameters."}} tags=["hide-input"]
time = np.arange(sample_epochs + 1)
shades = dict(zip(ranks, ("blue", "sky blue", "green", "vermilion", "black"), strict=True))
figure, [panel] = style.figure(panel_height=3.4)
panel.fill_between(time, *chance.T, color="0.88", linewidth=0, label="shuffled labels")
for shift, (name, each) in enumerate(ranks.items()):
    intervals = [rank.interval for rank in each]
    value, bottom, top = np.array([(interval.value, interval.low, interval.high) for interval in intervals]).T
    beside = time + 0.08 * (shift - 2)
    panel.errorbar(
        beside,
        value,
        (value - bottom, top - value),
        fmt="o-",
        markersize=3.5,
        linewidth=1.2,
        color=style.COLOURS[shades[name]],
        label=name,
    )
panel.set(xlabel="epochs of training", ylabel="Kendall's τ with final test accuracy", xticks=time)
panel.grid(axis="y")
_ = panel.legend(loc="center left", bbox_to_anchor=(1, 0.5))
# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
alike, recipe_alike = (
    [neighbours_alike(each, many_final, draws) for each in near[name]] for name in ("embedding", RECIPE)
)
table = pd.DataFrame(
    [
        (name, epoch, interval.value, interval.low, interval.high)
        for name, each in (*ranks.items(), ("neighbours alike", alike), (f"neighbours alike, {RECIPE}", recipe_alike))
        for epoch, interval in enumerate(rank.interval for rank in each)
    ]
    + [("shuffled labels", epoch, np.nan, *limits) for epoch, limits in enumerate(chance)],
    columns=["features", "epoch", "value", "low", "high"],
)
write_table(results / f"{stem}_knowledge.csv", table)
rows = [
    (str(epoch), *(str(ranks[name][epoch].interval) for name in ranks), "[{:.3f}, {:.3f}]".format(*chance[epoch]))
    for epoch in time
]
Markdown(markdown_table(("epochs", *ranks, "shuffled labels"), rows, numeric=range(7)))


# %% tags=["hide-input"]
def against(rival, epoch):
    return in_words((ranks["embedding"][epoch] - ranks[rival][epoch]).interval)


half = sample_epochs // 2
last, first = ranks["embedding"][-1], ranks["embedding"][0]
rivals = [name for name in ranks if name != "embedding"]
Markdown(
    f"Training changes the embedding's τ by {in_words((last - first).interval)}, in pairs over the same "
    "architectures. The embedding minus its rivals:\n\n"
    + "\n".join(
        f"- *{rival}*: {against(rival, 0)} before training, {against(rival, half)} after {half} of {sample_epochs} "
        f"epochs, {against(rival, -1)} after the last."
        for rival in rivals
    )
    + f"\n\nNo prediction can be perfect: the final accuracies of the two seeds, one against the other, agree with "
    f"τ = {between_seeds}. The later the epoch, the closer training accuracy comes to what is asked for; a search needs "
    "to know early."
)

# %% [markdown]
# ## Does training connect what ends alike?
#
# The paper's sentence is about areas: those of similar final accuracy grow together. As a number: how much more alike
# in final accuracy $a$ are an architecture and its nearest neighbours $N_e(i)$ after $e$ epochs than any two of the $n$
# architectures?
#
# $$
# C_e = 1 - \frac{\operatorname{mean}_{i,\, j \in N_e(i)} \lvert a_i - a_j \rvert}
#                {\operatorname{mean}_{i \neq j} \lvert a_i - a_j \rvert} .
# $$ (eq:alike)
#
# It is 0 when neighbours are no more alike than random pairs, and 1 when they end the same. If training connects, $C_e$
# grows. A second reading is about distances travelled: does how far an architecture moves from its untrained place tell
# where it ends?

# %% tags=["hide-input"]
moved = np.linalg.norm(many_places["embedding"][:, -1] - many_places["embedding"][:, 0], axis=1)
travelled = rank_correlation(moved, many_final, draws).interval
grown = alike[-1] - alike[0]
spectrum_alike = [neighbours_alike(near["log spectrum"][epoch], many_final, draws) for epoch in (0, -1)]
claim = {
    "better": "The sentence of the paper holds here",
    "not told apart": "The sentence of the paper is not shown here: the interval holds zero",
    "worse": "The opposite of the paper's sentence holds here",
}[told(grown.interval)]
Markdown(
    f"$C_0$ = {alike[0].interval} before training and $C_{{{sample_epochs}}}$ = {alike[-1].interval} after: a change of "
    f"{grown.interval}. {claim}. In the log spectrum alone it goes from {spectrum_alike[0].interval} to "
    f"{spectrum_alike[1].interval}: "
    + (
        "the spectrum alone ends at least as high."
        if spectrum_alike[1].value >= alike[-1].value
        else "the embedding has the closer neighbourhoods."
    )
    + f" In the embedding of the paper's recipe it goes from {recipe_alike[0].interval} to {recipe_alike[-1].interval}. "
    f"The distance that an architecture has moved in our embedding ({moved.min():.1f} to {moved.max():.1f}) has a rank "
    f"correlation of τ = {travelled} with its final accuracy."
)

# %% [markdown]
# ## Records
#
# The paper gives no number here. The rank correlations are judged against the best feature that needs no Jacobian,
# training accuracy or log parameters after the same epoch; the two gains against zero, where "reproduced" means that
# the whole interval is above it.

# %% tags=["hide-input"]
reason = f"profile {profile}: {len(sampled)} networks of {cells}, {size}, {sample_epochs} epochs, {len(seeds)} seeds"

records = [
    judge(f"fig4.{dataset}.{what}", gain.interval, reason=reason, baseline=0.0, claim="Section 4.4")
    for what, gain in (("tau-gain", last - first), ("alike-gain", grown))
]
for when, epoch in (("untrained", 0), ("trained", -1)):
    baseline = max(ranks[name][epoch].value for name in ("training accuracy", "log parameters"))
    records.append(
        judge(f"fig4.{dataset}.tau-{when}", ranks["embedding"][epoch].interval, reason=reason, baseline=baseline)
    )
write_records(results / f"{stem}.json", records)
Markdown(
    "Recorded: "
    + "; ".join(
        f"`{record.id}` {record.value:.3f} [{record.low:.3f}, {record.high:.3f}], {record.status}" for record in records
    )
    + f". Files: `{stem}.json`, `{stem}_fig4.csv`, `{stem}_knowledge.csv`."
)
