//! Keeps a real server busy with mixed traffic, faults and configuration changes, and prints what was promised, stored,
//! lost, there twice and leaked. Ends with 1 when anything was.
//!
//! usage: soak [--binary FILE] [--minutes 30] [--rate 200] [--rest SECONDS] [--seed N] [--csv FILE] [--plot FILE]
//! (`scripts/soak` runs it on the release build)
#![expect(clippy::print_stdout, reason = "a tool for developers")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use brokle_testkit::soak::{self, Plan};

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let plan = arguments()?;
    println!(
        "a soak of {:.1} minutes, {} calls a second, seed {}",
        plan.load.as_secs_f64() / 60.0,
        plan.rate,
        plan.seed
    );
    let outcome = soak::run(&plan).await?;
    println!("{}", outcome.text);
    println!("samples: {}", plan.csv.display());
    println!("picture: {}", plan.plot.display());
    Ok(if outcome.is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn arguments() -> Result<Plan> {
    let mut plan = Plan {
        binary: PathBuf::from("target/release/brokle"),
        seed: rand::random(),
        load: Duration::from_mins(30),
        rate: 200.0,
        rest: Duration::from_mins(1),
        csv: PathBuf::from("target/soak.csv"),
        plot: PathBuf::from("target/soak.svg"),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .with_context(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--binary" => plan.binary = value.into(),
            "--minutes" => plan.load = Duration::from_secs_f64(value.parse::<f64>()? * 60.0),
            "--rate" => plan.rate = value.parse()?,
            "--rest" => plan.rest = Duration::from_secs(value.parse()?),
            "--seed" => plan.seed = value.parse()?,
            "--csv" => plan.csv = value.into(),
            "--plot" => plan.plot = value.into(),
            _ => bail!("unknown option {name}"),
        }
    }
    plan.binary = std::path::absolute(&plan.binary)?;
    Ok(plan)
}
