"""An account's own room: sign-up and mail (`adapter`), and the hub (`views`)."""
