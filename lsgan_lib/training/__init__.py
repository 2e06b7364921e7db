"""Training: a recipe goes in, a run directory comes out."""

from lsgan_lib.training.loop import Trainer
from lsgan_lib.training.recipe import Recipe
from lsgan_lib.training.recipes import RECIPES, recipe
from lsgan_lib.training.run_directory import RunDirectory
from lsgan_lib.training.train import resume, train

__all__ = ["RECIPES", "Recipe", "RunDirectory", "Trainer", "recipe", "resume", "train"]
