//! Hang-ups with nothing beside them: how soon a provider sees each, and what is stored of the calls.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::export::Exported;
use super::hang_up::Moment;
use super::mix::{KINDS, Way};
use super::reconcile::{self, Cancelled};
use super::world::World;
use super::{SETTLED_WITHIN, caller};
use crate::faults::ledger::settled;
use crate::wait;

const NOTICED_WITHIN: Duration = Duration::from_secs(30);

/// Hangs up `count` times at each moment, one call after the other, and gives the tables.
pub async fn hang_ups(binary: &Path, count: usize) -> Result<String> {
    let world = World::start(binary).await?;
    let client = caller::client()?;
    let door = world.door();
    for (place, kind) in KINDS.iter().enumerate() {
        if !matches!(kind.way, Way::HangUp(_)) {
            continue;
        }
        for _ in 0..count {
            let went = caller::call(&door, &client, &world.books, place).await;
            ensure!(went.status == 499, "{}: {went:?}", kind.name);
        }
    }
    wait::until("every hang-up is noticed", NOTICED_WITHIN, || async {
        (world.books.hang_ups.unnoticed() == 0).then_some(())
    })
    .await?;
    let is_settled = settled(&world.server.url(), SETTLED_WITHIN).await?;
    ensure!(is_settled, "some spans are still on their way to storage");
    let url = world.server.clickhouse_url();
    let found = reconcile::reconcile(&world.books, &Exported::default(), &url).await?;
    let mut text = world.books.hang_ups.table();
    let _ = writeln!(text, "\n{}", cancelled_table(&found.cancelled));
    Ok(text)
}

/// What is stored of cancelled calls, as a table in Markdown.
pub(super) fn cancelled_table(cancelled: &[(Moment, Cancelled)]) -> String {
    let mut text = String::from(
        "| cancelled calls | calls | the span says so | tokens estimated | priced |\n|---|--:|--:|--:|--:|\n",
    );
    for (moment, counted) in cancelled {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            moment.name(),
            counted.calls,
            counted.said,
            counted.estimated,
            counted.priced
        );
    }
    text
}
