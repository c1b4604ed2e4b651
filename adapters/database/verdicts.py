def verdict_pages(*a): raise NotImplementedError
