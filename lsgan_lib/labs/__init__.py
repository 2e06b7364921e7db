"""Parts of a chapter that move: sliders which repaint a picture."""
