//! The short form of the fault runs: `make faults` is the long one.

use std::time::Duration;

use brokle_testkit::faults::{Plan, Scenario, table};

use crate::harness::binary;

fn plan() -> Plan {
    Plan {
        binary: binary().to_owned(),
        seed: rand::random(),
        rounds: 3,
        away: Duration::from_secs(3),
        load: Duration::from_secs(3),
        settle: Duration::from_mins(1),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_stored_twice_whatever_breaks() {
    let plan = plan();
    let mut rows = Vec::new();
    for scenario in [
        Scenario::ServerKilled,
        Scenario::EngineAway,
        Scenario::EngineSlow,
        Scenario::TornTail,
        Scenario::CorruptMiddle,
        Scenario::Poison,
    ] {
        rows.push(
            scenario
                .run(&plan)
                .await
                .unwrap_or_else(|error| panic!("{}: {error:#}", scenario.name())),
        );
    }
    for row in &rows {
        let text = format!("seed {}\n{}", plan.seed, table(&rows));
        assert!(row.acknowledged > 0, "{text}");
        assert_eq!((row.lost, row.duplicated), (0, 0), "{text}");
        assert_eq!(
            row.set_aside > 0,
            row.run == Scenario::CorruptMiddle.name(),
            "{text}"
        );
    }
}
