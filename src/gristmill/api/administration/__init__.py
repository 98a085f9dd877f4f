"""What administrators look at: the audit log, workers, the queue, storage; and whether anything is silent."""
