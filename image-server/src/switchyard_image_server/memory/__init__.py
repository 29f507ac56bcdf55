"""What fits on the device, and how: planning is pure; `apply`, `park` and `gauge` touch torch."""
