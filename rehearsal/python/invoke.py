"""Invokes a function through boto3: invoke.py ENDPOINT FUNCTION EVENT-FILE."""

import sys

import boto3
from botocore.config import Config

endpoint, function, event = sys.argv[1:]
client = boto3.client(
    "lambda",
    endpoint_url=endpoint,
    config=Config(read_timeout=600, retries={"total_max_attempts": 1}),
)
with open(event, "rb") as file:
    answer = client.invoke(FunctionName=function, Payload=file.read())
sys.stdout.write(answer["Payload"].read().decode())
