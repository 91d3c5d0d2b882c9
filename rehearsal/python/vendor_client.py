"""Lets the vendor's own Python client talk to the sandbox.

    vendor_client.py SANDBOX

``SANDBOX`` is the program that is made of rehearsal/examples/sandbox.rs. It is
started here, and ends with this script. Needs the packages of
vendor_client_requirements.txt. Prints a line for each check and a count at the
end; exits 1, with a sentence that names the check, when one does not hold.
"""

import json
import subprocess
import sys
from urllib.parse import urlsplit

from authomize.rest_api_client import Client
from authomize.rest_api_client.client.base_client import ClientError
from authomize.rest_api_client.generated.connectors_rest_api.schemas import (
    AppListSchema,
    AppSchema,
    ConnectorStatus,
    NewAppSchema,
    RequestSubmitResponse,
    UpdateAppSchema,
)


def expect(holds, what):
    """Fails the running check, unless `holds`."""
    if not holds:
        raise AssertionError(what)


def expect_refusal(call, words):
    """Expects that the client raises the vendor's error, with these words."""
    try:
        call()
    except ClientError as error:
        expect(words in error.message, f"the refusal says {error.message!r}")
        return
    raise AssertionError("the sandbox did not refuse")


class Checks:
    """The checks, in the order in which they run, on one sandbox."""

    def __init__(self, url, token, platform_token):
        self.url = url
        # The client sends the one kind of token bare and the other as Bearer,
        # and is given one for both, so there are two clients.
        self.client = self.client_with(token)
        self.platform = self.client_with(platform_token)
        self.app = None

    def client_with(self, token):
        client = Client(auth_token=token, base_url=self.url)
        for session in (client.connectors_client.session, client.platform_client.session):
            # No proxy of the user's stands between this script and loopback.
            session.trust_env = False
        return client

    def create(self, name):
        """Makes an app: the client has no method for it, but its way to send."""
        body = json.loads(NewAppSchema(integrationName=name).json())
        body["serviceType"] = "aws"
        body["config"] = {
            "accountIds": ["123456789012"],
            "regions": [],
            "roleArn": "arn:aws:iam::123456789012:role/AuthomizeCrossAccountTrustRole",
            "externalId": "external-id",
            "includeIdentityCenter": False,
            "source": {"stackId": "a stack", "logicalResourceId": "AuthomizeIntegration"},
        }
        return self.client.connectors_client.http_post("/v2/apps", json.dumps(body))

    def it_is_alive(self):
        expect(self.platform.is_alive().isAlive is True, "is_alive() is not true")

    def a_platform_token_says_whose_it_is(self):
        expect(self.platform.me().tenant == "sandbox", "me() names another tenant")

    def a_wrong_platform_token_is_refused(self):
        expect_refusal(self.client_with("wrong").me, "not valid")

    def a_wrong_api_token_is_refused(self):
        expect_refusal(self.client_with("wrong").list_connectors, "not valid")

    def there_are_no_connectors_at_first(self):
        listed = self.client.list_connectors()
        expect(listed.data == [], f"there are {len(listed.data)}")
        expect(listed.pagination.hasMore is False, "there is said to be more")

    def an_app_can_be_made(self):
        self.app = AppSchema.parse_obj(self.create("AWS 123456789012"))
        expect(self.app.integrationName == "AWS 123456789012", "its name is another one")

    def a_name_in_use_is_refused(self):
        expect_refusal(lambda: self.create("AWS 123456789012"), "exists already")

    def the_app_is_listed(self):
        listed = self.client.connectors_client.http_get("/v2/apps", {"limit": 5, "skip": 0})
        listed = AppListSchema.parse_obj(listed)
        expect([app.id for app in listed.data] == [self.app.id], "the list holds others")
        expect(listed.pagination.limit == 5, "the limit is another one")

    def the_app_is_an_enabled_connector(self):
        (connector,) = self.client.list_connectors().data
        expect(connector.id == self.app.id, "it has another id")
        expect(connector.status is ConnectorStatus.enabled, f"it is {connector.status}")

    def connectors_come_in_pages(self):
        listed = self.client.list_connectors(params={"limit": 1, "skip": 1})
        expect(listed.data == [], "the second page holds something")
        expect(listed.pagination.total == 1, "the total is another one")

    def a_malformed_page_is_refused_in_the_published_shape(self):
        answer = self.client.connectors_client.session.get(f"{self.url}/v2/apps?limit=-1")
        (detail,) = answer.json()["detail"]
        expect(answer.status_code == 422, f"the status is {answer.status_code}")
        expect(detail["loc"] == ["query", "limit"], f"it names {detail['loc']}")

    def the_app_can_be_renamed(self):
        self.client.update_app_data(self.app.id, UpdateAppSchema(name="renamed"))
        read = self.client.connectors_client.http_get(f"/v2/apps/{self.app.id}")
        read = AppSchema.parse_obj(read)
        expect(read.integrationName == "renamed", f"its name is {read.integrationName!r}")
        expect(read.createdAt == self.app.createdAt, "it was made anew")

    def the_data_can_be_deleted_without_the_app(self):
        accepted = self.client.delete_app_data(self.app.id)
        expect(accepted.acceptedTimestamp is not None, "it was not accepted")
        self.client.connectors_client.http_get(f"/v2/apps/{self.app.id}")

    def the_app_can_be_deleted(self):
        path = f"/v2/apps/{self.app.id}"
        accepted = self.client.connectors_client.http_delete(path)
        expect(RequestSubmitResponse.parse_obj(accepted).requestId, "it has no request id")
        expect_refusal(lambda: self.client.connectors_client.http_get(path), "no such app")

    def an_app_that_is_not_there_cannot_be_changed(self):
        change = UpdateAppSchema(name="again")
        expect_refusal(lambda: self.client.update_app_data(self.app.id, change), "no such app")
        expect_refusal(lambda: self.client.delete_app_data(self.app.id), "no such app")


def checks_of(kind):
    names = vars(kind)
    helpers = {"client_with", "create"}
    return [name for name in names if not name.startswith("_") and name not in helpers]


def run(sandbox):
    """Runs every check on a started sandbox and returns how many held, or fails."""
    started = json.loads(sandbox.stdout.readline())
    host = urlsplit(started["url"]).hostname
    if host != "127.0.0.1":
        sys.exit(f"the sandbox is at {host}, not on loopback")
    checks = Checks(started["url"], started["token"], started["platformToken"])
    passed = 0
    for name in checks_of(Checks):
        sentence = name.replace("_", " ")
        try:
            getattr(checks, name)()
        except Exception as error:
            print(f"{passed} passed, 1 failed")
            sys.exit(f"this does not hold: {sentence}: {type(error).__name__}: {error}")
        print(f"ok: {sentence}")
        passed += 1
    sandbox.stdin.close()
    violations = json.loads(sandbox.stdout.readline())["contractViolations"]
    if violations:
        print(f"{passed} passed, 1 failed")
        sys.exit("this does not hold: both sides keep to the contract: " + "; ".join(violations))
    print("ok: both sides keep to the contract")
    return passed + 1


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with subprocess.Popen(
        [sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as sandbox:
        try:
            passed = run(sandbox)
        finally:
            sandbox.stdin.close()
    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    main()
