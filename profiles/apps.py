from django.apps import AppConfig


class ProfilesConfig(AppConfig):
    name = "profiles"

    def ready(self) -> None:
        from allauth.socialaccount.signals import social_account_removed

        from .accounts import audit
        from .proofs import orcid

        audit.connect()
        social_account_removed.connect(orcid.disconnected, dispatch_uid="proof disconnected")
