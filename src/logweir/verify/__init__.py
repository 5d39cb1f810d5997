"""Clients that test a running Logweir from outside. They see the domain alone.

traffic   what is sent: logs of several tenants, JSON and text, each with a canary
flood     when it is sent: at a fixed rate, however slow the server is
post      how it is sent: HTTP
tally     what came of it: statuses and latencies
history   the same, request by request, in a file; read_history reads it

checker   were the promises kept? A pure function over evidence (history, store, faults), by rules
  inspection   what is stored, read once
  accepted     LOST, SLOW
  stored       PHANTOM, WRONG, DOUBLED, LEAKED, MISCOUNTED, BURIED
  in_time      CHANGED, REGRESSED, EARLY
findings  what it says
"""
