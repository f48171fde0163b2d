from dataclasses import replace

import numpy as np
import pytest
import torch
from contrast_views import synthetic_views
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cena.contrast import encode, encode_views, load_encoder, save_encoder, train_encoder, untrained_encoder
from cena.errors import InputError
from cena.tensor_files import read_tensors, write_tensors

VIEWS = synthetic_views(classes=10)


@pytest.fixture(scope="module")
def encoder(small_config):
    return train_encoder(*VIEWS, small_config)


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_saved_and_loaded_encoders_are_the_same(encoder, tmp_path):
    save_encoder(tmp_path / "new" / "encoder.safetensors", encoder)
    loaded = load_encoder(tmp_path / "new" / "encoder.safetensors")
    assert (loaded.config, loaded.scale, loaded.history) == (encoder.config, encoder.scale, encoder.history)
    assert np.array_equal(encode(loaded, *VIEWS), encode(encoder, *VIEWS))
    save_encoder(tmp_path / "again", loaded)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "new" / "encoder.safetensors").read_bytes()
    assert names(tmp_path / "new") == ["encoder.safetensors"]


def test_failed_write_keeps_the_old_file(encoder, tmp_path, monkeypatch):
    path = tmp_path / "encoder"
    save_encoder(path, encoder)
    before = path.read_bytes()

    def disk_is_full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.replace", disk_is_full)
    with pytest.raises(OSError, match="no space"):
        save_encoder(path, replace(encoder, history=(1.0,)))
    assert path.read_bytes() == before
    assert names(tmp_path) == ["encoder"]


def test_untrained_encoder_is_where_training_starts(encoder, small_config):
    control = untrained_encoder(small_config, encoder.scale)
    assert control.history == ()
    barely = train_encoder(*VIEWS, replace(small_config, learning_rate=0.0))
    for start, end in zip(control.network.parameters(), barely.network.parameters(), strict=True):
        assert torch.equal(start, end)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not there; expected an encoder"):
        load_encoder(tmp_path / "nothing")


def test_another_kind_of_file_is_refused(small_config, tmp_path):
    train_encoder(*VIEWS, small_config, tmp_path / "checkpoint")
    with pytest.raises(InputError, match="is a training checkpoint; expected an encoder"):
        load_encoder(tmp_path / "checkpoint")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_truncated_or_foreign_bytes_are_refused(encoder, tmp_path, data):
    path = tmp_path / "encoder"
    save_encoder(path, encoder)
    whole = path.read_bytes()
    content = data.draw(st.binary(max_size=200) | st.integers(0, len(whole) - 1).map(lambda size: whole[:size]))
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        load_encoder(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, _: tensors.popitem(),
        lambda tensors, _: tensors.update(more=torch.zeros(1)),
        lambda _, description: description.pop("scale"),
        lambda _, description: description["config"].update(width=9),
        lambda _, description: description["config"].update(colour="red"),
        lambda _, description: description["config"].update(depth=0),
        lambda _, description: description["config"].update(depth=10**9),
        lambda _, description: description["config"].update(width=10**6),
        lambda _, description: description["config"].update(width=10**30),
    ],
)
def test_contents_that_do_not_fit_are_refused(encoder, tmp_path, change):
    path = tmp_path / "encoder"
    save_encoder(path, encoder)
    tensors, description = read_tensors(path, "an encoder")
    change(tensors, description)
    write_tensors(path, "an encoder", tensors, description)
    with pytest.raises(InputError, match="not an encoder of this version"):
        load_encoder(path)


def test_class_embedding_is_the_mean_over_usable_views(encoder):
    directions, singular_values, usable = VIEWS
    usable = usable.copy()
    usable[0, :2] = False
    usable[1] = False
    views = encode_views(encoder, directions, singular_values, usable)
    classes = encode(encoder, directions, singular_values, usable)
    assert (views.shape, classes.shape, classes.dtype) == ((10, 4, 10), (10, 10), np.float32)
    np.testing.assert_allclose(classes[0], views[0, 2:].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(classes[2:], views[2:].mean(axis=1), rtol=1e-5)
    zero = encoder.network(torch.zeros(1, 17, 12)).detach().numpy()[0]
    for dead in (views[0, 0], views[0, 1], views[1, 3], classes[1]):
        np.testing.assert_allclose(dead, zero, rtol=1e-5, atol=1e-6)
    assert not np.allclose(views[0, 2], zero, rtol=1e-2)


def test_how_many_are_embedded_at_once_does_not_matter(encoder, monkeypatch):
    together = encode(encoder, *VIEWS)
    monkeypatch.setattr("cena.contrast.encoding._AT_ONCE", 3)
    np.testing.assert_allclose(encode(encoder, *VIEWS), together, rtol=1e-4, atol=1e-6)


def test_encoding_another_shape_is_refused(encoder):
    directions, singular_values, usable = VIEWS
    with pytest.raises(InputError, match="16 points, 12 components"):
        encode(encoder, directions[..., :6], singular_values[..., :6], usable)
