"""The newcomer's stack: starts, stops and forgets the databases, the broker and the processes of one checkout."""
