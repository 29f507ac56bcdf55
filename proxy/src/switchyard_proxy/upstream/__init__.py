"""Connections to engines, as thin as they can be."""
