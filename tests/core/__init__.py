"""The pure rules: tables of cases, and properties that hold whatever comes."""
