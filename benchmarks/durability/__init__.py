"""Which jobs are gone after Redis' end although they had been accepted, by how Redis is set up."""
