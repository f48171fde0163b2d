import numpy as np
import pytest
import torch

from cena.contrast import barlow_twins, cross_correlation
from cena.errors import InputError


def reference_loss(first, second, weight):
    """The source's equations 1 and 2 in plain loops."""
    batch, features = first.shape
    loss = 0.0
    for i in range(features):
        for j in range(features):
            a = first[:, i] - first[:, i].mean()
            b = second[:, j] - second[:, j].mean()
            spread = np.sqrt((a @ a / batch + 1e-5) * (b @ b / batch + 1e-5))
            correlation = a @ b / batch / spread
            loss += (1 - correlation) ** 2 if i == j else weight * correlation**2
    return loss


def projections(batch=20, features=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(batch, features, generator=generator, dtype=torch.float64)
    return first, first + 0.5 * torch.randn(batch, features, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("weight", [0.0, 5e-3, 1.0])
def test_agrees_with_a_plain_reference(weight):
    first, second = projections()
    assert barlow_twins(first, second, weight).item() == pytest.approx(
        reference_loss(first.numpy(), second.numpy(), weight)
    )


def test_default_weight_is_the_papers():
    first, second = projections()
    assert barlow_twins(first, second).item() == barlow_twins(first, second, 5e-3).item()


def test_zero_for_equal_views_with_uncorrelated_features():
    hadamard = torch.tensor([[1.0, 1], [1, -1]], dtype=torch.float64)
    features = torch.kron(hadamard, torch.kron(hadamard, hadamard))[:, 1:]  # orthogonal, and orthogonal to constants
    # Batch normalisation adds 1e-5 to the variance: the correlation of a feature with itself is 1 / (1 + 1e-5).
    assert barlow_twins(features, features).item() == pytest.approx(7 * (1e-5) ** 2, rel=1e-4)
    assert barlow_twins(features, -features).item() == pytest.approx(7 * 4, rel=1e-4)


def test_redundant_features_cost_their_weight():
    features = projections(features=1)[0].expand(-1, 2)
    assert barlow_twins(features, features, 0.25).item() == pytest.approx(0.25 * 2, rel=1e-4)


def test_invariant_to_scale_and_shift_of_every_feature():
    first, second = projections()
    scale = torch.tensor([0.5, 2.0, 3.0, 10.0, 100.0], dtype=torch.float64)
    changed = barlow_twins(first * scale + 7, second * scale.flip(0) - 3)
    assert changed.item() == pytest.approx(barlow_twins(first, second).item(), rel=1e-4)


def test_symmetric_in_the_views():
    first, second = projections()
    torch.testing.assert_close(cross_correlation(first, second), cross_correlation(second, first).T)
    assert barlow_twins(first, second).item() == pytest.approx(barlow_twins(second, first).item())


def test_gradient_agrees_with_finite_differences():
    first, second = projections(batch=6, features=3)
    assert torch.autograd.gradcheck(barlow_twins, (first.requires_grad_(), second.requires_grad_()))


def test_constant_feature_gives_finite_loss_and_gradient():
    first = torch.ones(4, 3, requires_grad=True)
    loss = barlow_twins(first, first)
    loss.backward()
    assert loss.item() == pytest.approx(3)
    assert torch.isfinite(first.grad).all()


@pytest.mark.parametrize(("first", "second"), [((4, 3), (4, 2)), ((1, 3), (1, 3)), ((4, 3, 2), (4, 3, 2))])
def test_wrong_shapes_are_refused(first, second):
    with pytest.raises(InputError, match="expected two of the same shape"):
        barlow_twins(torch.zeros(first), torch.zeros(second))
