"""The ways into the manager over HTTP. Each module is one resource; none of them decides anything."""
