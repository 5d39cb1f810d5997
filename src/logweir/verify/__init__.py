"""Clients that test a running Logweir from outside. They see the domain alone.

traffic   what is sent: logs of several tenants, JSON and text, each with a canary
flood     when it is sent: at a fixed rate, however slow the server is
post      how it is sent: HTTP
tally     what came of it: statuses and latencies
"""
