"""The county sandbox: a believable local approval database, and a twin of every far side that judges for itself.

Nothing here imports the engine, the store, the settings, the mappings or an adapter: a twin that shared their code would share
their mistakes.
"""
