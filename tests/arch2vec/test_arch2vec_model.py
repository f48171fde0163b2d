import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from arch2vec_nas_bench_101 import CHAIN, nas_bench_101_cells
from torch import nn

from cena.arch2vec import Arch2vec, Arch2vecConfig, arch2vec_loss, encode_graphs
from cena.arch2vec.model import GraphIsomorphismLayer
from cena.arch2vec.training import tensors_of
from cena.errors import InputError, unknown


def random_batch(seed=0, graphs=3, nodes=5, kinds=4):
    generator = torch.Generator().manual_seed(seed)
    operations = torch.eye(kinds)[torch.randint(kinds, (graphs, nodes), generator=generator)]
    adjacency = torch.randint(2, (graphs, nodes, nodes), generator=generator).float().triu(1)
    return operations, adjacency


def model_with_statistics(config):
    """A model whose BatchNorm has statistics other than 0 and 1."""
    torch.manual_seed(0)
    model = Arch2vec(config)
    model(*random_batch(seed=5, kinds=config.kinds))
    return model.eval()


@pytest.fixture
def model():
    return model_with_statistics(Arch2vecConfig(kinds=4, hidden=6, layers=2, latent=2))


def scalar_layer(layer, nodes, neighbours):
    """The layer by loops over numbers: evaluation mode, one graph."""
    first, norm, _, second, last_norm, _ = layer.transform

    def linear(module, values):
        return [
            sum(float(w) * x for w, x in zip(row, values, strict=True)) + float(bias)
            for row, bias in zip(module.weight, module.bias, strict=True)
        ]

    def normalised_relu(module, values):
        return [
            max(
                0.0,
                (x - float(module.running_mean[i]))
                / math.sqrt(float(module.running_var[i]) + module.eps)
                * float(module.weight[i])
                + float(module.bias[i]),
            )
            for i, x in enumerate(values)
        ]

    results = []
    for node in range(len(nodes)):
        gathered = [(1 + float(layer.epsilon)) * float(x) for x in nodes[node]]
        for other in range(len(nodes)):
            if neighbours[node, other]:
                gathered = [x + float(y) for x, y in zip(gathered, nodes[other], strict=True)]
        inner = normalised_relu(norm, linear(first, gathered))
        results.append(normalised_relu(last_norm, linear(second, inner)))
    return results


def test_layer_is_that_of_the_loops():
    torch.manual_seed(1)
    layer = GraphIsomorphismLayer(4, 6)
    operations, adjacency = random_batch()
    neighbours = adjacency + adjacency.transpose(1, 2)
    layer(operations, neighbours)  # gives BatchNorm its statistics
    with torch.no_grad():
        layer.epsilon.fill_(0.7)
        for norm in (layer.transform[1], layer.transform[4]):
            norm.weight.uniform_(0.5, 2)
            norm.bias.uniform_(-1, 1)
    outputs = layer.eval().requires_grad_(False)(operations, neighbours)
    for graph in range(3):
        expected = scalar_layer(layer, operations[graph], neighbours[graph])
        np.testing.assert_allclose(outputs[graph], expected, rtol=1e-4, atol=1e-6)


def test_layers_are_the_released_ones():
    model = Arch2vec(Arch2vecConfig())
    assert len(model.layers) == 4
    assert all(layer.epsilon == 0 and layer.epsilon.requires_grad for layer in model.layers)
    layers = 7 * 128 + 7 * 128 * 128 + 8 * 128 + 8 * 2 * 128 + 4  # weights, biases, BatchNorm, epsilon
    heads = 2 * (128 * 16 + 16) + (16 * 7 + 7)
    assert sum(parameter.numel() for parameter in model.parameters()) == layers + heads


def test_relabelled_nodes_get_the_relabelled_latents(model):
    operations, adjacency = random_batch()
    symmetric = adjacency + adjacency.transpose(1, 2)
    order = torch.tensor([3, 0, 4, 2, 1])
    # The encoder adds the transpose itself: half of a symmetric matrix, in any order of nodes, is the same graph.
    moved = symmetric[:, order][:, :, order] / 2
    for latents, expected in zip(
        model.encode(operations[:, order], moved), model.encode(operations, adjacency), strict=True
    ):
        torch.testing.assert_close(latents, expected[:, order])
        assert not torch.allclose(expected, expected[:, order])


def test_messages_pass_both_ways_over_as_many_edges_as_layers():
    chain = nas_bench_101_cells(((0, 1, 1, 1, 1, 1, 4), [(i, i + 1) for i in range(6)]))
    operations, adjacency = tensors_of(chain)
    model = model_with_statistics(Arch2vecConfig(kinds=5, hidden=16, layers=2, latent=3))
    before = model.encode(operations, adjacency)[0][0]
    operations[0, 3] = torch.tensor([0.0, 0, 1, 0, 0])
    moved = (model.encode(operations, adjacency)[0][0] - before).abs().amax(dim=1) > 1e-6
    assert moved.tolist() == [False, True, True, True, True, True, False]


def test_embedding_is_the_mean_over_all_nodes_even_empty_ones():
    model = model_with_statistics(Arch2vecConfig(kinds=5, hidden=6, layers=2, latent=2))
    graphs = nas_bench_101_cells(CHAIN)
    latents = model.encode(*tensors_of(graphs))[0].detach().numpy()
    assert latents.shape == (1, 7, 2)
    assert np.abs(latents[0, 4:]).max() > 0
    np.testing.assert_allclose(encode_graphs(model, graphs), latents.mean(axis=1), rtol=1e-6)


def test_an_empty_node_reads_as_zeros():
    operations, adjacency = tensors_of(nas_bench_101_cells(CHAIN))
    assert operations[0].tolist() == [
        [1, 0, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 0, 0, 1],
        *[[0, 0, 0, 0, 0]] * 3,
    ]
    assert adjacency.sum() == 3


def test_decoder_is_linear_for_operations_and_an_inner_product_for_edges(model):
    latents = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0))
    operations, adjacency = model.decode(latents)
    torch.testing.assert_close(operations, latents @ model.operations.weight.T + model.operations.bias)
    for graph in range(2):
        for i in range(5):
            for j in range(5):
                torch.testing.assert_close(adjacency[graph, i, j], (latents[graph, i] * latents[graph, j]).sum())


def test_dropout_and_noise_are_for_training_only(model):
    batch = random_batch()
    first, second = model(*batch), model(*batch)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    torch.testing.assert_close(first[1], model.decode(first[2])[1])
    latents = torch.ones(400, 5, 2)
    model.train()
    _, adjacency = model.decode(latents)
    diagonal = adjacency.diagonal(dim1=1, dim2=2) * 0.7**2  # entries kept are divided by 0.7
    assert set(diagonal.flatten().round(decimals=4).tolist()) == {0.0, 1.0, 2.0}
    assert diagonal.mean() == pytest.approx(2 * 0.7, rel=0.05)


def test_latents_are_sampled_with_the_deviation_of_the_encoder(model):
    batch = random_batch(graphs=2)
    model.config = replace(model.config, dropout=0.0)
    for parameter in (model.log_deviation.weight, model.mean.weight, model.mean.bias):
        nn.init.zeros_(parameter)
    nn.init.constant_(model.log_deviation.bias, math.log(3.0))
    model.train()
    with torch.no_grad():
        squares = torch.cat([model(*batch)[1].diagonal(dim1=1, dim2=2).flatten() for _ in range(500)])
    assert squares.mean() == pytest.approx(2 * 9.0, rel=0.06)  # two latent dimensions of variance 9


def loss_terms(operation_logits, adjacency_logits, mean, log_deviation, operations, adjacency):
    """The three terms of the loss by loops over numbers."""

    def cross_entropy(logit, target):
        probability = 1 / (1 + math.exp(-logit))
        return -math.log(probability if target else 1 - probability)

    graphs, nodes, kinds = operations.shape
    first = second = third = 0.0
    for b in range(graphs):
        for i in range(nodes):
            for k in range(kinds):
                first += cross_entropy(float(operation_logits[b, i, k]), operations[b, i, k]) / (graphs * nodes * kinds)
            for j in range(nodes):
                if j > i:
                    entry = cross_entropy(float(adjacency_logits[b, i, j]), adjacency[b, i, j])
                    second += entry / (graphs * nodes * nodes)
            for d in range(mean.shape[2]):
                m, s = float(mean[b, i, d]), math.exp(float(log_deviation[b, i, d]))
                third += (0.5 * (s * s + m * m - 1) - math.log(s)) / (graphs * nodes) / (graphs * nodes)
    return first, second, third


@pytest.mark.parametrize("seed", [0, 1])
def test_every_term_of_the_loss_is_that_of_the_loops(seed):
    targets = random_batch(seed)
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(3, 5, 2, generator=generator)
    outputs = (torch.randn(3, 5, 4, generator=generator), latents @ latents.transpose(1, 2), latents, latents / 2 - 0.3)
    operation_term, adjacency_term, divergence = loss_terms(*outputs, *targets)
    # Right beyond doubt, with latents from the standard normal distribution: all terms vanish.
    sure = (100 * (2 * targets[0] - 1), 100 * (2 * targets[1] - 1), torch.zeros(3, 5, 2), torch.zeros(3, 5, 2))
    assert float(arch2vec_loss(*sure, targets)) == pytest.approx(0, abs=1e-6)
    for term, expected in ((0, operation_term), (1, adjacency_term), (2, divergence)):
        mixed = list(sure)
        mixed[term] = outputs[term]
        if term == 2:
            mixed[3] = outputs[3]
        assert float(arch2vec_loss(*mixed, targets)) == pytest.approx(expected, rel=1e-5, abs=1e-6)
        assert expected > 1e-3
    assert float(arch2vec_loss(*outputs, targets)) == pytest.approx(operation_term + adjacency_term + divergence)


def test_divergence_is_that_of_torch():
    mean, log_deviation = torch.randn(2, 2, 3, 2, generator=torch.Generator().manual_seed(3))
    targets = random_batch(graphs=2, nodes=3)
    sure = (100 * (2 * targets[0] - 1), 100 * (2 * targets[1] - 1))
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, log_deviation.exp()), normal(0.0, 1.0))
    torch.testing.assert_close(
        arch2vec_loss(*sure, mean, log_deviation, targets), expected.sum(dim=2).mean() / 6, rtol=1e-5, atol=1e-6
    )


def test_gradient_reaches_every_weight(model):
    model.train()
    targets = random_batch(graphs=20)
    arch2vec_loss(*model(*targets), targets).backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        if name not in ("layers.0.transform.0.bias", "layers.0.transform.3.bias", "layers.1.transform.0.bias",
                        "layers.1.transform.3.bias"):  # BatchNorm subtracts what these add  # fmt: skip
            assert parameter.grad.abs().max() > 1e-7, name


def test_gradient_of_the_loss_is_its_slope(model):
    """Central differences of the whole model in evaluation mode, in double precision."""
    model.double()
    targets = tuple(tensor.double() for tensor in random_batch())
    weights = [*model.parameters()]
    gradients = torch.autograd.grad(arch2vec_loss(*model(*targets), targets), weights)
    generator = torch.Generator().manual_seed(0)
    directions = [torch.randn(weight.shape, generator=generator, dtype=torch.float64) for weight in weights]
    step, values = 1e-6, []
    with torch.no_grad():
        for sign in (1, -2, 1):
            for weight, direction in zip(weights, directions, strict=True):
                weight += sign * step * direction
            values.append(float(arch2vec_loss(*model(*targets), targets)))
    expected = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": 0}, "layers of arch2vec is 0; expected a whole number of at least 1"),
        ({"epochs": 2.5}, "epochs of arch2vec is 2.5"),
        ({"seed": -1}, "seed of arch2vec is -1"),
        ({"sample": 0}, "sample of arch2vec is 0"),
        ({"dropout": 1.0}, "dropout of arch2vec is 1.0; expected a number of at least 0 and below 1.0"),
        ({"learning_rate": float("nan")}, "learning_rate of arch2vec is nan"),
        ({"variant": "faithfull"}, str(unknown("variant of arch2vec", "faithfull", ["faithful", "fixed"]))),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Arch2vecConfig(**settings)
