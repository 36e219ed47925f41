"""An account's own room: sign-up and mail (`adapter`), its journal (`audit`), its data (`records`) and the hub."""
