"""Where a job's evidence is searched: a retriever for the corpus that it names, and the passages that it brings."""
