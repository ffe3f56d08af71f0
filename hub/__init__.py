"""The hub: a mailbox that stores, plans and shows. It owns no key that a loudspeaker obeys but snapshot and timestamp.

Nothing is imported here, so that `hub.__main__` can say in one line that the extra `hub` is missing.
"""
