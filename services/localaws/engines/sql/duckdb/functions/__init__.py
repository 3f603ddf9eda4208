"""Functions of Athena engine version 3."""
