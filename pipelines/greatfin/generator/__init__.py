"""A deterministic GreatFin: the bank's source systems at any scale, as they deliver their data."""

from greatfin.generator.config import Bank, Chaos
from greatfin.generator.deliveries import DeliveredFile, Truth, deliver

__all__ = ["Bank", "Chaos", "DeliveredFile", "Truth", "deliver"]
