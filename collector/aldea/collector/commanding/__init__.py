"""Commands to devices, and what devices say to the register: answers, repairs, records."""
