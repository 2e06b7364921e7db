"""`lsgan recipes`."""


def recipes() -> None:
    """List the named recipes: what they train, on what, for how long."""
    from lsgan_lib.training.recipes import RECIPES

    width = max(map(len, RECIPES))
    for name, recipe in RECIPES.items():
        print(
            f"{name:{width}}  {type(recipe.objective).__name__} on {recipe.data}, "
            f"{recipe.images:,} images, batch {recipe.batch_size}"
        )
