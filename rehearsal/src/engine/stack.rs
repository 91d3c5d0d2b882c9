//! Stacks: created, updated, deleted, and looked at.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_cloudformation::Error as SdkError;
use aws_sdk_cloudformation::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use aws_sdk_cloudformation::types::{self, Capability, Parameter, Stack, Tag};
use thiserror::Error;

use super::{Account, StackOperation};

/// What a stack is made from.
#[derive(Clone, Debug, Default)]
pub struct StackSpec {
    /// The stack's name.
    pub name: String,
    /// The template's text.
    pub template: String,
    /// The parameters' names and values.
    pub parameters: Vec<(String, String)>,
    /// Whether a failure leaves everything as it is.
    pub disable_rollback: bool,
}

/// A resource that a stack still has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftResource {
    /// Its name in the template.
    pub logical_id: String,
    /// For example `AWS::IAM::Role`.
    pub resource_type: String,
    /// For example `CREATE_COMPLETE`.
    pub status: String,
    /// Its physical id; empty while there is none.
    pub physical_id: String,
}

/// Why a stack could not be worked on.
#[derive(Debug, Error)]
pub enum StackError {
    /// CloudFormation refused.
    #[error("CloudFormation refused: {0}")]
    Refused(String),
    /// CloudFormation could not be asked.
    #[error("CloudFormation could not be asked: {0}")]
    Unreachable(String),
    /// It takes too long.
    #[error("the stack `{stack}` takes longer than {} s; the last event was {last}", limit.as_secs())]
    TooLong {
        /// The stack's ARN.
        stack: String,
        /// How long was waited.
        limit: Duration,
        /// Status and logical id of the last event.
        last: String,
    },
}

impl From<SdkError> for StackError {
    fn from(error: SdkError) -> Self {
        match error.message() {
            Some(message) => Self::Refused(message.to_owned()),
            None => Self::Unreachable(DisplayErrorContext(&error).to_string()),
        }
    }
}

impl Account {
    /// Starts to create a stack, with the right to make named IAM resources.
    ///
    /// # Errors
    /// CloudFormation refuses, for example because of a parameter's pattern.
    pub async fn create_stack(&self, spec: &StackSpec) -> Result<StackOperation, StackError> {
        self.create_tagged_stack(spec, &[]).await
    }

    /// The same, with tags on the stack.
    ///
    /// # Errors
    /// CloudFormation refuses.
    pub async fn create_tagged_stack(
        &self,
        spec: &StackSpec,
        tags: &[(&str, &str)],
    ) -> Result<StackOperation, StackError> {
        let tag = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build();
        let create = self.cloudformation().create_stack();
        let created = create
            .stack_name(&spec.name)
            .template_body(&spec.template)
            .set_parameters(Some(parameters(spec)))
            .set_tags((!tags.is_empty()).then(|| tags.iter().map(tag).collect()))
            .disable_rollback(spec.disable_rollback)
            .capabilities(Capability::CapabilityNamedIam)
            .send()
            .await
            .map_err(SdkError::from)?;
        let stack_id = created.stack_id.unwrap_or_default();
        Ok(StackOperation::new(self, stack_id, BTreeSet::new()))
    }

    /// Starts to update a stack.
    ///
    /// # Errors
    /// CloudFormation refuses, also when nothing would change.
    pub async fn update_stack(&self, spec: &StackSpec) -> Result<StackOperation, StackError> {
        let operation = self.operation_on(&spec.name).await?;
        let update = self.cloudformation().update_stack();
        update
            .stack_name(&spec.name)
            .template_body(&spec.template)
            .set_parameters(Some(parameters(spec)))
            .disable_rollback(spec.disable_rollback)
            .capabilities(Capability::CapabilityNamedIam)
            .send()
            .await
            .map_err(SdkError::from)?;
        Ok(operation)
    }

    /// Starts to delete a stack.
    ///
    /// # Errors
    /// CloudFormation refuses, or there is no such stack.
    pub async fn delete_stack(&self, name: &str) -> Result<StackOperation, StackError> {
        let operation = self.operation_on(name).await?;
        let delete = self.cloudformation().delete_stack().stack_name(name);
        delete.send().await.map_err(SdkError::from)?;
        Ok(operation)
    }

    /// Starts to delete a stack whose deletion failed, without these resources.
    ///
    /// # Errors
    /// CloudFormation refuses, or there is no such stack.
    pub async fn delete_stack_without(
        &self,
        name: &str,
        logical_ids: &[&str],
    ) -> Result<StackOperation, StackError> {
        let operation = self.operation_on(name).await?;
        let delete = self.cloudformation().delete_stack().stack_name(name);
        let retained = logical_ids.iter().map(|&id| id.to_owned()).collect();
        let delete = delete.set_retain_resources(Some(retained));
        delete.send().await.map_err(SdkError::from)?;
        Ok(operation)
    }

    /// The resources that a stack still has, given by its name or ARN.
    ///
    /// # Errors
    /// CloudFormation refuses or cannot be asked.
    pub async fn left_resources(&self, stack: &str) -> Result<Vec<LeftResource>, StackError> {
        let describe = self.cloudformation().describe_stack_resources();
        let described = describe.stack_name(stack).send().await;
        let described = described.map_err(SdkError::from)?;
        let resource = |resource: types::StackResource| LeftResource {
            logical_id: resource.logical_resource_id.unwrap_or_default(),
            resource_type: resource.resource_type.unwrap_or_default(),
            status: status(resource.resource_status),
            physical_id: resource.physical_resource_id.unwrap_or_default(),
        };
        let resources = described.stack_resources.unwrap_or_default();
        Ok(resources.into_iter().map(resource).collect())
    }

    /// All that CloudFormation tells of a stack: its description with parameters and
    /// outputs, its events, its resources and its template. What it does not tell is
    /// left out.
    pub async fn all_that_is_told_of(&self, stack: &str) -> Vec<String> {
        let cloudformation = self.cloudformation();
        let described = self.stack(stack).await;
        let events = self.stack_events(stack).await;
        let resources = self.left_resources(stack).await;
        let template = cloudformation.get_template().stack_name(stack).send().await;
        let texts = [
            described.ok().map(|described| format!("{described:?}")),
            events.ok().map(|events| format!("{events:?}")),
            resources.ok().map(|resources| format!("{resources:?}")),
            template.ok().and_then(|template| template.template_body),
        ];
        texts.into_iter().flatten().collect()
    }

    /// An operation that begins after everything that happened so far.
    async fn operation_on(&self, name: &str) -> Result<StackOperation, StackError> {
        let stack_id = self.stack(name).await?.stack_id.unwrap_or_default();
        let events = self.stack_events(&stack_id).await?;
        let known = events.into_iter().filter_map(|event| event.event_id);
        Ok(StackOperation::new(self, stack_id, known.collect()))
    }

    pub(super) async fn stack(&self, stack: &str) -> Result<Stack, StackError> {
        let describe = self.cloudformation().describe_stacks().stack_name(stack);
        let described = describe.send().await.map_err(SdkError::from)?;
        let stack = described.stacks.unwrap_or_default().into_iter().next();
        stack.ok_or_else(|| StackError::Refused("it shows no stack".to_owned()))
    }

    /// Every event of a stack, newest first.
    pub(super) async fn stack_events(
        &self,
        stack_id: &str,
    ) -> Result<Vec<types::StackEvent>, StackError> {
        let describe = self.cloudformation().describe_stack_events();
        let mut pages = describe.stack_name(stack_id).into_paginator().send();
        let mut events = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(SdkError::from)?;
            events.extend(page.stack_events.unwrap_or_default());
        }
        Ok(events)
    }
}

fn parameters(spec: &StackSpec) -> Vec<Parameter> {
    let parameter = |(name, value): &(String, String)| {
        let parameter = Parameter::builder().parameter_key(name);
        parameter.parameter_value(value).build()
    };
    spec.parameters.iter().map(parameter).collect()
}

pub(super) fn status(status: Option<impl ToString>) -> String {
    status.map_or_else(String::new, |status| status.to_string())
}
