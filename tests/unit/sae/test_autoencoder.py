"""Autoencoders: all heads at once equals each head by itself, and what is learnt is used."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
import torch

from auditkit.records.specification import AutoencoderSettings
from auditkit.sae.per_head import HEADS_TOGETHER, _top_k, train, unvarying

SETTINGS = AutoencoderSettings(
    latents=16,
    k=2,
    steps=200,
    batch=64,
    learning_rate=Decimal("0.01"),
    seeds=1,
    dictionary=None,
)


def sparse_vectors(heads: int, n: int, width: int, seed: int = 0) -> torch.Tensor:
    """Vectors that are one of four directions each, at head-specific scales down to 1e-4."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(heads, 4, width, generator=generator)
    which = torch.randint(4, (n,), generator=generator)
    strength = torch.rand(heads, n, 1, generator=generator) + 0.5
    scale = torch.logspace(0, -4, heads)[:, None, None]
    return directions[:, which] * strength * scale


def test_training_is_seeded() -> None:
    """The same seed gives the same weights, another seed others."""
    vectors = sparse_vectors(2, 50, 6)
    first, again, other = (train(vectors, SETTINGS, seed) for seed in (3, 3, 4))
    assert torch.equal(first.decoder, again.decoder)
    assert not torch.equal(first.decoder, other.decoder)


def test_heads_do_not_touch_each_other() -> None:
    """Changing one head's vectors leaves the other head's autoencoder as it was."""
    vectors = sparse_vectors(2, 50, 6)
    changed = vectors.clone()
    changed[1] *= -3
    one, two = train(vectors, SETTINGS, 0), train(changed, SETTINGS, 0)
    assert torch.allclose(one.decoder[0], two.decoder[0], atol=1e-5)
    assert not torch.allclose(one.decoder[1], two.decoder[1], atol=1e-2)


def test_most_of_the_variance_is_explained_at_every_scale() -> None:
    """Standardising each head lets one of norm 1e-4 be learnt like one of norm 1."""
    vectors = sparse_vectors(3, 200, 6)
    trained = train(vectors, SETTINGS, 0)
    for head in range(3):
        reading = trained.of_head(head).read(vectors[head : head + 1])
        assert reading.error / reading.variation < 0.2


def test_an_untrained_autoencoder_explains_less() -> None:
    """The steps are what makes it explain."""
    vectors = sparse_vectors(3, 200, 6)
    few = SETTINGS.model_copy(update={"steps": 1})
    trained, untrained = (
        train(vectors, settings, 0).read(vectors).error for settings in (SETTINGS, few)
    )
    assert trained < untrained / 2


def test_at_most_k_latents_are_active_and_none_is_negative() -> None:
    """The activation is TopK of a rectified linear map."""
    vectors = sparse_vectors(2, 50, 6)
    latents = train(vectors, SETTINGS, 0).read(vectors).latents
    assert int((latents > 0).sum(-1).max()) <= SETTINGS.k
    assert float(latents.min()) >= 0


def test_decoder_rows_have_unit_length_and_directions_the_heads_scale() -> None:
    """One unit of a latent is one standard deviation of the head."""
    vectors = sparse_vectors(2, 50, 6)
    autoencoder = train(vectors, SETTINGS, 0)
    assert torch.allclose(autoencoder.decoder.norm(dim=-1), torch.ones(2, 16), atol=1e-5)
    assert torch.allclose(
        autoencoder.directions(), autoencoder.decoder * autoencoder.scale, atol=1e-7
    )


def test_a_head_that_never_varies_is_not_a_number_to_divide_by() -> None:
    """A constant head trains to finite weights and encodes to finite latents."""
    vectors = sparse_vectors(2, 50, 6)
    vectors[1] = 5.0
    autoencoder = train(vectors, SETTINGS, 0)
    assert bool(torch.isfinite(autoencoder.read(vectors).latents).all())


def test_a_head_that_differs_by_rounding_alone_has_nothing_to_learn() -> None:
    """Rounding errors are not blown up to size 1: no variation is invented, and no latent differs."""
    vectors = sparse_vectors(2, 50, 6)
    generator = torch.Generator().manual_seed(1)
    vectors[1] = 5.0 + 4e-7 * torch.randn(50, 6, generator=generator)
    autoencoder = train(vectors, SETTINGS, 0)
    assert float(autoencoder.of_head(1).read(vectors[1:]).variation) < 1e-9
    latents = autoencoder.read(vectors).latents[1]
    assert float((latents - latents[0]).abs().max()) < 1e-4


def test_what_counts_as_varying_depends_on_the_precision() -> None:
    """A head of tiny norm varies; one that differs by a rounding does not, in whichever format."""
    vectors = sparse_vectors(4, 50, 6)  # norms from 1 down to 1e-4
    vectors[1] = 5.0
    vectors[2] = 5.0 + 0.01 * torch.randn(50, 6, generator=torch.Generator().manual_seed(1))
    assert unvarying(vectors).tolist() == [False, True, False, False]
    half = torch.finfo(torch.bfloat16).eps
    assert unvarying(vectors, half).tolist() == [False, True, True, False]


@pytest.mark.parametrize("k", [16, 40])
def test_k_may_be_all_latents(k: int) -> None:
    """With k at least the number of latents there is nothing to tie."""
    vectors = sparse_vectors(1, 30, 6)
    autoencoder = train(vectors, SETTINGS.model_copy(update={"k": k}), 0)
    assert autoencoder.read(vectors).ties == 0


@pytest.mark.parametrize("k", [1, 3, 8, 9, 12])
def test_the_k_largest_are_those_of_sorting(k: int) -> None:
    """Going over all rows together keeps what sorting each row keeps."""
    dense = torch.relu(torch.randn(3, 40, 12, generator=torch.Generator().manual_seed(k)))
    top = dense.topk(k, dim=-1)
    slow = torch.zeros_like(dense).scatter(-1, top.indices, top.values)
    assert torch.equal(_top_k(dense, k), slow)


def test_latents_equal_to_the_kth_all_stay_and_are_counted() -> None:
    """A tie is not settled by position: a vector with one has more than k active latents."""
    dense = torch.tensor([[[2.0, 1.0, 1.0, 0.0], [3.0, 2.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]])
    assert (_top_k(dense, 2) > 0).sum(-1).tolist() == [[3, 2, 0]]
    vectors = sparse_vectors(1, 30, 6)
    trained = train(vectors, SETTINGS, 0)
    twice = replace(
        trained,
        encoder=trained.encoder[..., [0]].expand_as(trained.encoder),
        bias=trained.bias[..., [0]].expand_as(trained.bias),
    )
    reading = twice.read(vectors)
    assert reading.ties == int((reading.latents > 0).any(-1).sum()) > 0


def test_a_head_does_not_depend_on_those_that_follow() -> None:
    """More heads in the chunk leave the first ones as they were, bit for bit."""
    vectors = sparse_vectors(5, 50, 6)
    few, many = train(vectors[:2], SETTINGS, 3), train(vectors, SETTINGS, 3)
    assert torch.equal(few.decoder, many.decoder[:2])
    assert torch.equal(few.encoder, many.encoder[:2])


def test_chunks_draw_differently_and_do_not_outgrow_their_size() -> None:
    """Each chunk has draws of its own; a chunk too large is refused."""
    vectors = sparse_vectors(2, 50, 6)
    first, second = train(vectors, SETTINGS, 3, 0), train(vectors, SETTINGS, 3, 1)
    assert not torch.equal(first.decoder, second.decoder)
    with pytest.raises(ValueError, match="at most"):
        train(torch.zeros(HEADS_TOGETHER + 1, 2, 3), SETTINGS, 0)
