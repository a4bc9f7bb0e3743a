"""The product at work: a tutor, a class and an exam, recorded, shipped and summed up."""

from examsgraph_callbacks.demo.run import run_demo

__all__ = ["run_demo"]
