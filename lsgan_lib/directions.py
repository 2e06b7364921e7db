"""Directions of the noise in which a picture changes most: the generator's Jacobian, in parts."""

import warnings

import torch
from torch import Tensor, nn

_WHOLE = 256
"""noise vectors up to this length: the Jacobian is computed column by column; longer: by blocks"""


def directions(
    generator: nn.Module, z: Tensor, count: int, *, chunk: int = 64, sweeps: int = 12
) -> tuple[Tensor, Tensor]:
    """The `count` orthogonal directions in which the picture changes most, and how much.

        J = dG/dz at z,     J v_k = s_k u_k,     s_1 >= s_2 >= ...

    z: one place (z_dim,), or several (M, z_dim): then the squared change is averaged over them, and
    the directions are those that do most *on average* (eigenvectors of the mean of J^T J).
    Returns the unit vectors v (count, z_dim), signed so that the picture gets brighter along them
    (at the places together), and the singular values s (count,): length of the picture's change,
    over all pixels, for a step of length 1.

    Up to 256 noise numbers all of J is computed, one forward-mode pass for each. Beyond, a block of
    directions is sent through J (forward mode) and back through its transpose (reverse mode), until
    the values stand still to a thousandth, at most `sweeps` times: Halko, Martinsson and Tropp
    2011, arXiv 0909.4061. chunk: pictures computed at once.
    Raises ValueError for a generator in training mode, or a count beyond z_dim. Chapter 13.
    """
    _check_evaluation(generator)
    places = z.detach().view(-1, z.shape[-1])
    z_dim = places.shape[1]
    if not 1 <= count <= z_dim:
        raise ValueError(f"noise of {z_dim} numbers has 1 to {z_dim} directions, not {count}.")
    if z_dim <= _WHOLE:
        basis = torch.eye(z_dim, dtype=z.dtype, device=z.device)
    else:
        basis = _leading(generator, places, count, chunk, sweeps)
    moved = [change(generator, place, basis, chunk=chunk).flatten(1) for place in places]
    # Within the basis the problem is small: eigenvectors of the mean of J^T J.
    gram = torch.stack([m.double() @ m.double().T for m in moved]).mean(dim=0)
    squares, weights = torch.linalg.eigh(gram)
    weights = weights.flip(1)[:, :count].to(z.dtype)  # the largest first
    brighter = sum(weights.T @ m.sum(dim=1) for m in moved)
    vectors = weights.T @ basis * torch.where(brighter < 0, -1.0, 1.0)[:, None]
    return vectors, squares.flip(0)[:count].clamp_min(0).sqrt().to(z.dtype)


def change(generator: nn.Module, z: Tensor, vectors: Tensor, *, chunk: int = 64) -> Tensor:
    """What happens to the picture of z for a small step along each vector: J v, (K, ...).

    z: (z_dim,). vectors: (K, z_dim). One pass in forward mode for each, no finite difference:
    G(z + eps v) = G(z) + eps J v + smaller things. Raises ValueError in training mode.
    """
    _check_evaluation(generator)
    pieces = []
    with warnings.catch_warnings(), torch.no_grad():
        # What PyTorch loads for its first forward-mode derivative warns of its own age.
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.script", category=Warning)
        for piece in vectors.split(chunk):
            # Copies of z beside each other: many times faster than vmap over one.
            at = z.detach().repeat(len(piece), 1)
            pieces.append(torch.func.jvp(generator, (at,), (piece.to(z.dtype),))[1])
    return torch.cat(pieces)


def _leading(generator: nn.Module, places: Tensor, count: int, chunk: int, sweeps: int) -> Tensor:
    """An orthonormal basis (K, z_dim), wider than `count`, that holds the leading directions."""
    z_dim = places.shape[1]
    width = min(2 * count + 4, z_dim)
    random = torch.Generator().manual_seed(0)
    basis = _orthonormal(torch.randn(width, z_dim, generator=random).to(places))
    before = torch.zeros(count).to(places)
    for _ in range(sweeps):
        # Each sweep multiplies a direction by its s^2: the large ones outgrow the others.
        grown = torch.stack([_there_and_back(generator, p, basis, chunk) for p in places]).mean(0)
        squares = torch.linalg.svdvals(grown)[:count]
        basis = _orthonormal(grown)
        if ((squares - before).abs() < 2e-3 * squares).all():
            break
        before = squares
    return basis


def _orthonormal(rows: Tensor) -> Tensor:
    return torch.linalg.qr(rows.T).Q.T.contiguous()


def _there_and_back(generator: nn.Module, z: Tensor, vectors: Tensor, chunk: int) -> Tensor:
    """J^T J v for each vector, (K, z_dim)."""
    returned = []
    for piece in vectors.split(chunk):
        moved = change(generator, z, piece, chunk=chunk)
        at = z.repeat(len(piece), 1).requires_grad_(True)
        with torch.enable_grad():
            product = (generator(at) * moved).sum()
        returned.append(torch.autograd.grad(product, at)[0])
    return torch.cat(returned)


def _check_evaluation(generator: nn.Module) -> None:
    if generator.training:
        raise ValueError("the generator is in training mode; call generator.eval() first")
