"""The far sides, one module each: what they take, how they judge it, and what they hand down."""
