"""The torch side of drawing: Diffusers' pipelines, as they are called here. On the worker thread only."""
