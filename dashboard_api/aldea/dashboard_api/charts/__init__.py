"""Charts drawn on the server as SVG, so that they need no program in the browser."""
