"""AWS analytics APIs on one loopback endpoint, with real engines behind them."""

__version__ = "0.1.0"
