"""Hutch: a self-hosted browser IDE."""

__version__ = "0.1.0"
