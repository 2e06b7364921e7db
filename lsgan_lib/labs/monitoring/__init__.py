"""Parts of the training monitor (`labs.monitor`)."""
