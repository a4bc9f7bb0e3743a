"""Pictures of an exploration that need nothing else: an SVG, and a page around it."""

from examsgraph_callbacks.graph.pictures.page import path_page
from examsgraph_callbacks.graph.pictures.svg import bounds_in_words, draw_svg
from examsgraph_callbacks.graph.pictures.words import Language

__all__ = ["Language", "bounds_in_words", "draw_svg", "path_page"]
