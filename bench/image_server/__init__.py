"""What the image server adds to the bare call of a pipeline or a model, and how quickly it lets go."""
