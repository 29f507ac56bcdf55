"""The routes, one module per resource. They wait and shape; the model is the worker's."""
