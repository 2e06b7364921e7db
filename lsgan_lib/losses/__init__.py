"""Losses as pure functions of raw critic scores, and the objectives built from them.

Two sign conventions meet in this book. A *least-squares*, *cross-entropy* or *Wasserstein* critic
scores real data **high**. A *loss-sensitive* critic is itself a loss: it scores real data **low**.
"""
