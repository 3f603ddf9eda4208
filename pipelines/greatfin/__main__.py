"""``python -m greatfin``."""

from greatfin.cli.main import main

main()
