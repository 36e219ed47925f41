"""What is known here, for machines that copy it: OAI-PMH 2.0.

`requests` reads what is asked for, `lists` finds it, `formats` writes a paper down, `views` answers.
Reference: The Open Archives Initiative Protocol for Metadata Harvesting 2.0.
"""
