"""Everything on one machine: SQLite files, and nothing to set up."""
