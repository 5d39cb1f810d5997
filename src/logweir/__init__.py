"""Logweir: a multi-tenant log intake.

accept    JSON or text -> Envelope               pipeline/accept.py
publish   Envelope -> the broker, durably; 202   pipeline/broker.py
consume   delivery -> work -> redact             pipeline/consume.py
store     tenants/{tenant_id}/processed_logs/    pipeline/store.py
wire      Settings -> all of the above           bootstrap.py
"""

__version__ = "0.1.0"
