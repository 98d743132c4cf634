//! Breaks a real server under load in every way of [`Scenario`], and prints what was acknowledged, stored, lost
//! and duplicated as a table. Ends with 1 when anything was lost or duplicated, or a run did not come to its end.
//!
//! usage: faults [--binary FILE] [--seed N] [--rounds 50] [--away 60] [--load 20] [--only NAME,NAME]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for developers")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use brokle_testkit::faults::{Plan, Row, Scenario, table};

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let (plan, scenarios) = arguments()?;
    println!("seed {}, {} rounds", plan.seed, plan.rounds);
    let (mut rows, mut is_good) = (Vec::new(), true);
    for scenario in scenarios {
        eprintln!("{} ...", scenario.name());
        let row = match scenario.run(&plan).await {
            Ok(row) => row,
            Err(error) => {
                is_good = false;
                Row {
                    run: scenario.name().to_owned(),
                    note: format!("did not come to its end: {error:#}"),
                    ..Row::default()
                }
            }
        };
        eprint!("{}", table(std::slice::from_ref(&row)));
        is_good &= row.lost == 0 && row.duplicated == 0;
        rows.push(row);
    }
    print!("{}", table(&rows));
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn arguments() -> Result<(Plan, Vec<Scenario>)> {
    let mut plan = Plan {
        binary: PathBuf::from("target/debug/brokle"),
        seed: rand::random(),
        rounds: 50,
        away: Duration::from_mins(1),
        load: Duration::from_secs(20),
        settle: Duration::from_mins(3),
    };
    let mut scenarios = Scenario::ALL.to_vec();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .with_context(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--binary" => plan.binary = value.into(),
            "--seed" => plan.seed = value.parse()?,
            "--rounds" => plan.rounds = value.parse()?,
            "--away" => plan.away = Duration::from_secs(value.parse()?),
            "--load" => plan.load = Duration::from_secs(value.parse()?),
            "--only" => {
                let wanted: Vec<&str> = value.split(',').collect();
                scenarios.retain(|scenario| wanted.contains(&scenario.name()));
            }
            _ => bail!("unknown option {name}"),
        }
    }
    plan.binary = std::path::absolute(&plan.binary)?;
    Ok((plan, scenarios))
}
