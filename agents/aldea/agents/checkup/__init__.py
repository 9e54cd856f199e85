"""Looks at everything between the village's power and the server, in the order in which a person should check it.

`collecting` asks now, everything at the same time and each thing bounded; `checks` is the list, and judges what was
found (pure). The box's page and `aldea agent doctor` say the same.
"""
