"""What the proxy answers by itself, one resource a file. Nothing here asks an engine or the manager."""
