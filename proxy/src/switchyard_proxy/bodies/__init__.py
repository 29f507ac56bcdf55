"""Request bodies: read within bounds, looked into for what routing needs, changed in as few bytes as can be."""
