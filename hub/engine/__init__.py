"""The path of a record, step by step, and who runs the steps when."""
