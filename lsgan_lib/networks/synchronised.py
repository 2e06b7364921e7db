"""BatchNorm over the batch of all processes.

torch.nn.SyncBatchNorm does this on GPUs only, and once: a penalty on the critic's slope
differentiates twice.
"""

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional


class Processes(Protocol):
    """What is asked of the processes of a run (`lsgan_lib.training.processes.World`)."""

    @property
    def rank(self) -> int:
        """Number of this process."""

    @property
    def size(self) -> int:
        """Processes of the run."""

    def sum_(self, tensor: Tensor) -> Tensor:
        """Sum over all processes, in place."""


class _Sum(torch.autograd.Function):
    """y = sum of the x of all processes.

    Every process's loss depends on every x. The derivative of the sum of all losses by one x is
    the sum of their derivatives by y: this function again, and so it can be differentiated twice.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, processes: Processes) -> Tensor:
        ctx.processes = processes
        return processes.sum_(x.clone(memory_format=torch.contiguous_format))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _Sum.apply(gradients[0], ctx.processes), None


class SynchronisedBatchNorm(nn.Module):
    """A BatchNorm whose mean and variance in training are those of the batch of all processes.

        mean = mean_r m_r,   variance = mean_r v_r + mean_r (m_r - mean)^2

    from the mean m_r and variance v_r of each process r: one message a layer. Every process must
    hold as many images as the others. Parameters, buffers and their names are those of the
    BatchNorm that it replaces; in evaluation mode it does what that did. Gradients are of the sum
    of all processes' losses: their mean over the processes is the gradient of the mean loss.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d, processes: Processes) -> None:
        super().__init__()
        if norm.momentum is None or norm.running_mean is None:
            raise ValueError("only a BatchNorm that tracks, with a momentum, can be synchronised.")
        self.processes = processes
        self.eps, self.momentum = norm.eps, norm.momentum
        self.weight, self.bias = norm.weight, norm.bias
        self.register_buffer("running_mean", norm.running_mean)
        self.register_buffer("running_var", norm.running_var)
        self.register_buffer("num_batches_tracked", norm.num_batches_tracked)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, C) or (N, C, H, W), this process's share. Returns the same shape."""
        if not self.training:
            running = self.running_mean, self.running_var
            return functional.batch_norm(x, *running, self.weight, self.bias, eps=self.eps)
        high = x.to(torch.promote_types(x.dtype, torch.float32))  # as BatchNorm under autocast
        mean, variance = self._statistics(high)
        self._track(mean, variance, self.processes.size * x.numel() // x.shape[1])
        each = (-1, *[1] * (x.ndim - 2))  # channels along dimension 1
        scale = self.weight * (variance + self.eps).rsqrt()
        return ((high - mean.view(each)) * scale.view(each) + self.bias.view(each)).to(x.dtype)

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of every channel over all processes: (C,) each."""
        dims = [0, *range(2, x.ndim)]
        places = x.new_zeros(self.processes.size, 2, x.shape[1])
        places[self.processes.rank] = torch.stack([x.mean(dims), x.var(dims, correction=0)])
        means, variances = _Sum.apply(places, self.processes).unbind(1)
        mean = means.mean(0)
        return mean, variances.mean(0) + (means - mean).square().mean(0)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running estimates, which hold the unbiased variance, as BatchNorm does."""
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)


def synchronise(network: nn.Module, processes: Processes) -> nn.Module:
    """Let every BatchNorm of a network use the batch of all processes, in place; returns it.

    One process alone keeps what it has.
    """
    if processes.size > 1:
        for parent in list(network.modules()):
            for name, child in parent.named_children():
                if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                    setattr(parent, name, SynchronisedBatchNorm(child, processes))
    return network
