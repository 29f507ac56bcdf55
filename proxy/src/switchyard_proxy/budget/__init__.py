"""How many tokens pictures and videos cost, from their files' headers alone. Pure."""
