"""Parts of the live GAN lab (`labs.live_lab`)."""
