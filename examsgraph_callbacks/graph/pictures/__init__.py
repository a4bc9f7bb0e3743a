"""Pictures of an exploration that need nothing else: an SVG, and a page around it."""

from examsgraph_callbacks.graph.pictures.page import path_page
from examsgraph_callbacks.graph.pictures.svg import draw_svg

__all__ = ["draw_svg", "path_page"]
