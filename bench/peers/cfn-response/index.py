"""As vendors' templates have it inline: boto3 and urllib, nothing else."""

import json
import os
import time
import urllib.request

import boto3

SECRET_ARN = os.environ["API_TOKEN_SECRET_ARN"]


def handler(event, context):
    app_id = event.get("PhysicalResourceId", "none")
    try:
        app_id, data = carry_out(event)
        send(event, "SUCCESS", app_id, data)
    except Exception as error:
        print(repr(error))
        send(event, "FAILED", app_id, {}, f"{error}. Log: {context.log_stream_name}")


def send(event, status, physical_id, data, reason=""):
    """What the module `cfnresponse` does, by urllib."""
    body = json.dumps(
        {
            "Status": status,
            "Reason": reason,
            "PhysicalResourceId": physical_id,
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
            "Data": data,
        }
    ).encode()
    request = urllib.request.Request(
        event["ResponseURL"], body, {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=10).close()


def carry_out(event):
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=SECRET_ARN)
    token = secret["SecretString"]
    app_id = event.get("PhysicalResourceId")
    name = event["ResourceProperties"]["IntegrationName"]
    if event["RequestType"] == "Delete":
        vendor(token, "DELETE", f"/v2/apps/{app_id}")
        return app_id, {}
    if event["RequestType"] == "Create":
        body = {"integrationName": name, "serviceType": "aws", "config": config(event)}
        app_id = vendor(token, "POST", "/v2/apps", body)["id"]
    else:
        body = {"name": name, "config": config(event)}
        vendor(token, "PATCH", f"/v2/apps/{app_id}", body)
    while True:
        app = vendor(token, "GET", f"/v2/apps/{app_id}")
        if app["status"] == "enabled":
            return app_id, {"IntegrationId": app_id, "Status": app["status"]}
        time.sleep(1)


def vendor(token, method, path, body=None):
    request = urllib.request.Request(
        "https://api.authomize.com" + path,
        None if body is None else json.dumps(body).encode(),
        {"Authorization": token, "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


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
