"""Small models, with IAM's rules, of objects that moto lacks and tests need. Part of one program with the launcher, and runs before it."""

import random
import string
from datetime import datetime, timedelta, timezone

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.exceptions import EntityAlreadyExists, LimitExceededException, NotFoundException, ValidationError
from moto.iam.models import ManagedPolicy
from moto.iam.responses import IamResponse

# GetAccountAuthorizationDetails of AWS returns the id of each policy; moto returns it in the answers about one policy only.
ManagedPolicy.policy_id = property(lambda policy: policy.id)


def service_credentials(backend):
    """The service-specific credentials of an account, which moto does not support."""
    return backend.__dict__.setdefault("leasehold_service_credentials", [])


def service_specific_credentials():
    """Service-specific credentials: create, list for one user or all users, update status, delete. A secret is returned only on creation."""

    def credential(self):
        wanted = self._get_param("ServiceSpecificCredentialId")
        user = self._get_param("UserName")
        for found in service_credentials(self.backend):
            if found["ServiceSpecificCredentialId"] == wanted and user in (None, found["UserName"]):
                return found
        raise NotFoundException(f"No service specific credential was found for {wanted}.")

    def create(self):
        user = self.backend.get_user(self._get_param("UserName"))
        service = self._get_param("ServiceName")
        held = [c for c in service_credentials(self.backend) if (c["UserName"], c["ServiceName"]) == (user.name, service)]
        if len(held) > 1:
            raise LimitExceededException("Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2")
        made = {
            "UserName": user.name,
            "ServiceName": service,
            "Status": "Active",
            "CreateDate": datetime.now(timezone.utc),
            "ServiceSpecificCredentialId": "ACCA" + "".join(random.choices(string.ascii_uppercase, k=16)),
            "ServiceUserName": f"{user.name}-at-{self.current_account}",
        }
        days = self._get_param("CredentialAgeDays")
        if days:
            made["ExpirationDate"] = made["CreateDate"] + timedelta(days=int(days))
        service_credentials(self.backend).append(made)
        return ActionResult({"ServiceSpecificCredential": {**made, "ServicePassword": "told-once"}})

    def listed(self):
        user, service = self._get_param("UserName"), self._get_param("ServiceName")
        everybody = str(self._get_param("AllUsers", "false")).lower() == "true"
        if not user and not everybody:
            raise ValidationError("Must specify userName when calling with non-User credentials")
        if user:
            self.backend.get_user(user)
        found = [
            found
            for found in service_credentials(self.backend)
            if user in (None, found["UserName"]) and service in (None, found["ServiceName"])
        ]
        return ActionResult({"ServiceSpecificCredentials": found, "IsTruncated": False})

    def update(self):
        credential(self)["Status"] = self._get_param("Status")
        return EmptyResult()

    def delete(self):
        service_credentials(self.backend).remove(credential(self))
        return EmptyResult()

    IamResponse.create_service_specific_credential = create
    IamResponse.list_service_specific_credentials = listed
    IamResponse.update_service_specific_credential = update
    IamResponse.delete_service_specific_credential = delete


def federations():
    """Identity providers, as far as moto lacks them: changes of audiences, tags of SAML providers, unique names."""

    def oidc(self):
        return self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))

    def add_audience(self):
        provider, audience = oidc(self), self._get_param("ClientID")
        if audience not in provider.client_id_list:
            provider.client_id_list.append(audience)
        return EmptyResult()

    def remove_audience(self):
        provider, audience = oidc(self), self._get_param("ClientID")
        provider.client_id_list = [other for other in provider.client_id_list if other != audience]
        return EmptyResult()

    def saml(self):
        return self.backend.get_saml_provider(self._get_param("SAMLProviderArn"))

    def tags_of(provider):
        return provider.__dict__.setdefault("leasehold_tags", {})

    def tag_saml(self, provider=None):
        tags_of(provider or saml(self)).update({tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])})
        return EmptyResult()

    def untag_saml(self):
        for key in self._get_param("TagKeys", []):
            tags_of(saml(self)).pop(key, None)
        return EmptyResult()

    def get_saml(self):
        provider = saml(self)
        tags = [{"Key": key, "Value": value} for key, value in tags_of(provider).items()]
        metadata = provider.saml_metadata_document
        return ActionResult({"SAMLMetadataDocument": metadata, "CreateDate": provider.create_date, "Tags": tags})

    create_saml = IamResponse.create_saml_provider

    def create_saml_with_tags(self):
        name = self._get_param("Name")
        if name in self.backend.saml_providers:
            raise EntityAlreadyExists(f"SAMLProvider {name} already exists.")
        answer = create_saml(self)
        tag_saml(self, self.backend.saml_providers[name])
        return answer

    IamResponse.add_client_id_to_open_id_connect_provider = add_audience
    IamResponse.remove_client_id_from_open_id_connect_provider = remove_audience
    IamResponse.create_saml_provider = create_saml_with_tags
    IamResponse.get_saml_provider = get_saml
    IamResponse.tag_saml_provider = tag_saml
    IamResponse.untag_saml_provider = untag_saml


def tags_of_devices():
    """Tags of virtual MFA devices, which moto does not support."""

    def tags_of(self):
        serial = self._get_param("SerialNumber")
        device = self.backend.virtual_mfa_devices.get(serial)
        if not device:
            raise NotFoundException(f"VirtualMFADevice with serial number {serial} doesn't exist.")
        return device.__dict__.setdefault("leasehold_tags", {})

    def tag(self):
        tags_of(self).update({tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])})
        return EmptyResult()

    def listed(self):
        tags = [{"Key": key, "Value": value} for key, value in tags_of(self).items()]
        return ActionResult({"Tags": tags, "IsTruncated": False})

    IamResponse.tag_mfa_device = tag
    IamResponse.list_mfa_device_tags = listed
