"""Parts of the latent explorer (`labs.latent_explorer`)."""
