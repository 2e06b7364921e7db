"""Parts of the cone drawer (`labs.cone_drawer`)."""
