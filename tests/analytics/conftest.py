"""What every question of these tests is asked of."""

from tests.analytics.asking import ask

__all__ = ["ask"]
