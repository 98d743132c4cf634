//! What was spent of the gateway's budgets, in a file of the data directory: counters in this process's memory would
//! forget it at a restart, and a month's budget would begin anew. A process that is killed forgets its last seconds.
//! With Redis there is no such file: the counters are there, and a file would add what calls had only reserved.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use brokle_gateway::{Gateway, Spent};
use tokio::task::JoinHandle;

use crate::app::Planes;
use crate::lifecycle::Lifecycle;

const FILE: &str = "gateway-budgets.json";
const PERIOD: Duration = Duration::from_secs(2);

/// The file, and what it says.
pub(crate) struct BudgetFile {
    path: PathBuf,
    written: Vec<Spent>,
}

impl BudgetFile {
    /// Reads the file, and restores what it says was spent. A file that cannot be read stops the start: a budget that
    /// begins anew costs money. `None` when the counters are not this process's.
    pub(crate) async fn restore(data_dir: &Path, planes: &Planes) -> anyhow::Result<Option<Self>> {
        if planes.shared.redis.is_some() {
            return Ok(None);
        }
        let path = data_dir.join(FILE);
        let written: Vec<Spent> = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!(
                    "reading what was spent of the gateway's budgets from {}: remove the file to begin anew",
                    path.display()
                )
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        planes.gateway.restore_spent(&written).await;
        Ok(Some(Self { path, written }))
    }

    /// Writes what is spent every few seconds, until the soft stage of stopping.
    pub(crate) fn keep(mut self, gateway: Gateway, lifecycle: &Lifecycle) -> JoinHandle<Self> {
        let stop = lifecycle.soft.clone();
        lifecycle.tasks.spawn(async move {
            while !stop.is_cancelled() {
                tokio::select! {
                    () = tokio::time::sleep(PERIOD) => {}
                    () = stop.cancelled() => {}
                }
                self.update(&gateway).await;
            }
            self
        })
    }

    /// Writes what is spent now.
    pub(crate) async fn update(&mut self, gateway: &Gateway) {
        if let Err(error) = self.write(gateway.spent().await) {
            tracing::warn!(%error, "what was spent of the budgets could not be written down");
        }
    }

    fn write(&mut self, spent: Vec<Spent>) -> std::io::Result<()> {
        if spent == self.written {
            return Ok(());
        }
        let beside = self.path.with_extension("json.new");
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(&serde_json::to_vec(&spent)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        self.written = spent;
        Ok(())
    }
}
