"""The usual way in Python: crhelper around boto3 and urllib3."""

import json
import os
import time

import boto3
import urllib3
from crhelper import CfnResource

# The two minutes that crhelper sleeps before it answers a Delete are not what is
# measured here.
helper = CfnResource(
    json_logging=True, log_level="INFO", boto_level="CRITICAL", sleep_on_delete=0
)

try:
    http = urllib3.PoolManager(ca_certs=os.environ["SSL_CERT_FILE"])
    secrets = boto3.client("secretsmanager")
    secret_arn = os.environ["API_TOKEN_SECRET_ARN"]
except Exception as error:
    helper.init_failure(error)


class Vendor:
    """The vendor's API, with the token as it is now."""

    def __init__(self):
        self.token = secrets.get_secret_value(SecretId=secret_arn)["SecretString"]

    def ask(self, method, path, body=None):
        response = http.request(
            method,
            "https://api.authomize.com" + path,
            json=body,
            headers={"Authorization": self.token},
            timeout=10.0,
        )
        if response.status >= 400:
            raise RuntimeError(f"Authomize answered {response.status} to {method} {path}")
        return response.json()

    def wait_until_enabled(self, app_id):
        while True:
            app = self.ask("GET", f"/v2/apps/{app_id}")
            if app["status"] == "enabled":
                helper.Data.update(IntegrationId=app_id, Status=app["status"])
                return app_id
            time.sleep(1)


def config(event):
    wanted = event["ResourceProperties"]
    return {
        "accountIds": [event["StackId"].split(":")[4]],
        "regions": [],
        "roleArn": wanted["RoleArn"],
        "externalId": wanted["ExternalId"],
        "includeIdentityCenter": False,
        "source": {
            "stackId": event["StackId"],
            "logicalResourceId": event["LogicalResourceId"],
        },
    }


@helper.create
def create(event, _):
    vendor = Vendor()
    name = event["ResourceProperties"]["IntegrationName"]
    body = {"integrationName": name, "serviceType": "aws", "config": config(event)}
    return vendor.wait_until_enabled(vendor.ask("POST", "/v2/apps", body)["id"])


@helper.update
def update(event, _):
    vendor = Vendor()
    app_id = event["PhysicalResourceId"]
    body = {"name": event["ResourceProperties"]["IntegrationName"], "config": config(event)}
    vendor.ask("PATCH", f"/v2/apps/{app_id}", body)
    return vendor.wait_until_enabled(app_id)


@helper.delete
def delete(event, _):
    Vendor().ask("DELETE", f"/v2/apps/{event['PhysicalResourceId']}")


def handler(event, context):
    helper(event, context)
