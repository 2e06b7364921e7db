"""Parts of the loss bench (`labs.loss_bench`)."""
