// The user's handler of the CDK's single-function custom resource: a plain fetch,
// and the SDK's client for the secret.
'use strict';

const { SecretsManagerClient, GetSecretValueCommand } = require('@aws-sdk/client-secrets-manager');

const secrets = new SecretsManagerClient({});
const secretArn = process.env.API_TOKEN_SECRET_ARN;

exports.handler = async (event) => {
  const { SecretString: token } = await secrets.send(
    new GetSecretValueCommand({ SecretId: secretArn }),
  );
  const integrationName = event.ResourceProperties.IntegrationName;
  let id = event.PhysicalResourceId;
  switch (event.RequestType) {
    case 'Delete':
      await vendor(token, 'DELETE', `/v2/apps/${id}`);
      return { PhysicalResourceId: id };
    case 'Create': {
      const body = { integrationName, serviceType: 'aws', config: config(event) };
      ({ id } = await vendor(token, 'POST', '/v2/apps', body));
      break;
    }
    default:
      await vendor(token, 'PATCH', `/v2/apps/${id}`, {
        name: integrationName,
        config: config(event),
      });
  }
  for (;;) {
    const { status } = await vendor(token, 'GET', `/v2/apps/${id}`);
    if (status === 'enabled') {
      return { PhysicalResourceId: id, Data: { IntegrationId: id, Status: status } };
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
};

async function vendor(token, method, path, body) {
  const response = await fetch(`https://api.authomize.com${path}`, {
    method,
    headers: { Authorization: token, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) {
    throw new Error(`Authomize answered ${response.status} to ${method} ${path}`);
  }
  return response.json();
}

function config(event) {
  const wanted = event.ResourceProperties;
  return {
    accountIds: [event.StackId.split(':')[4]],
    regions: [],
    roleArn: wanted.RoleArn,
    externalId: wanted.ExternalId,
    includeIdentityCenter: false,
    source: { stackId: event.StackId, logicalResourceId: event.LogicalResourceId },
  };
}
