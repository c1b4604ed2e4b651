"""Built-in adapters: one package for each kind of far side."""
