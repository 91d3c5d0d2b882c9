//! The command line of `cargo xtask`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::quick_create::{QuickCreate, QuickCreateError, link};
use crate::region::Region;

/// What `link --help` ends with.
const LINK_EXAMPLES: &str = "\
Examples:
  cargo xtask link --external-id 0a1b2c --region eu-west-1 --template-url https://BUCKET.s3.eu-west-1.amazonaws.com/KEY
  cargo xtask link --external-id 0a1b2c --region us-east-1 --identity-center --template-url URL

Nothing is asked and nothing is sent: the link is put together here.

Exit status: 0 printed, 2 what would be filled in is refused.";

/// What a publisher of the template does
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the link that opens the console with the stack filled in
    #[command(after_help = LINK_EXAMPLES)]
    Link(LinkArguments),
}

#[derive(Debug, Args)]
struct LinkArguments {
    /// Issued by Authomize, one for each customer
    #[arg(long, value_name = "ID")]
    external_id: String,
    /// Where the stack is to be made
    #[arg(long)]
    region: Region,
    /// Of the published template in S3
    #[arg(long, value_name = "URL")]
    template_url: Url,
    /// For the management account: IAM Identity Center is read as well
    #[arg(long)]
    identity_center: bool,
    /// The principal of Authomize; only outside the partition aws, and required there
    #[arg(long, value_name = "ARN")]
    principal_arn: Option<String>,
}

/// Runs the command and tells its exit status.
#[must_use]
pub fn main() -> ExitCode {
    let Command::Link(arguments) = Arguments::parse().command;
    match link_of(&arguments) {
        Ok(link) => {
            // Whoever closed the pipe does not want to read on.
            let _ = writeln!(io::stdout(), "{link}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("no link: {error}");
            ExitCode::from(2)
        }
    }
}

fn link_of(arguments: &LinkArguments) -> Result<String, QuickCreateError> {
    link(&QuickCreate {
        region: &arguments.region,
        template_url: &arguments.template_url,
        external_id: &arguments.external_id,
        identity_center: arguments.identity_center,
        principal_arn: arguments.principal_arn.as_deref(),
    })
}
