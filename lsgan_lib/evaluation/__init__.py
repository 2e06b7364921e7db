"""How good and how diverse are samples: measures that need no downloaded network."""
