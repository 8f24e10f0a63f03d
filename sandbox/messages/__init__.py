"""The world that messages go to, as the real ones behave: a mail server, a text message provider, WeChat; faults on demand.

Run by `python -m sandbox.messages`. Nothing leaves this machine: what was taken is read at `/admin/messages`.
"""
