"""What commands share: options, documents, following a job, printing an answer, writing, Ctrl-C."""
