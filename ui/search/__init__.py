"""The page Search: agents against the optimum and against chance."""
