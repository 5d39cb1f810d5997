"""The ports, made real: one package for each place that Logweir runs on."""
