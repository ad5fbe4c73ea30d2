"""The rate that all who call share: its clock, what answers change of it, and leases on calls."""
