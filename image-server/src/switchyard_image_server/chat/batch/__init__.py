"""Rows: one for each choice of each answer that is being written, and the passes that they share.

A prompt is read alone (`passes`), then its row takes a seat on a bench (`bench`), whose rows share every pass
until they leave. Nothing here knows of text, requests or events.
"""
