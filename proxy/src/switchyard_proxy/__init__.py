"""The proxy: one OpenAI address for every model. A wire: it parses what routing needs and passes bytes.

It holds no model, no GPU and no Docker socket; which engine a request may use is the manager's word
(`grants`), and that word costs nothing on the warm path.
"""

__version__ = "0.1.0"
