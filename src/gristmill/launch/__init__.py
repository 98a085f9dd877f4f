"""Children: processes that run user code."""
