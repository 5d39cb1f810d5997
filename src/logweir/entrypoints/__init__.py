"""What starts Logweir: servers, workers, functions and the command line."""
