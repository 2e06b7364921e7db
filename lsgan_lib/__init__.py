"""Least Squares GAN and Loss-Sensitive GAN: losses, networks, data, training, evaluation.

Importing this package loads nothing but its own name: each folder is one idea and is imported
where it is used, so that ``import lsgan_lib`` costs no more than Python itself.
"""

__version__ = "0.1.0"
