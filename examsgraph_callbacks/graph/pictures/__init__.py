"""Pictures of an exploration that need nothing else: an SVG, and a page around it."""

from examsgraph_callbacks.graph.pictures.page import path_page
from examsgraph_callbacks.graph.pictures.svg import bounds_in_words, draw_svg

__all__ = ["bounds_in_words", "draw_svg", "path_page"]
