"""The Gansu exchange hub: what is owed to whom, and the proof that nothing of it was lost."""

__version__ = "0.1.0"
