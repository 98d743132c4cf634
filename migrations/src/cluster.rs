//! The same ClickHouse DDL on a cluster: what one statement of a migration becomes when `CLICKHOUSE_CLUSTER`
//! names one. The migration files are the only source; nothing is written twice, so nothing can drift.
//!
//! A table `t` becomes `t_local`, replicated, on every node, and a Distributed `t` over it: readers and writers
//! know the one name. Rows that have a trace id are sharded by project and trace, so that a trace lives on
//! one shard and what is asked of a trace is asked of one node; all others are sharded by project. A
//! materialized view follows the rows that its own node received.
//!
//! This is no SQL parser: it knows the forms that our files use, and refuses every other.

/// A cluster as ClickHouse's configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    name: String,
}

/// Why a statement or a name cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// Not a name that could be written into a statement.
    #[error("`{name}` is no cluster's name: letters, digits, `_`, `-` and `.` only")]
    Name {
        /// What was given.
        name: String,
    },
    /// A form that is not known here.
    #[error("this statement cannot be put on a cluster: {statement}")]
    Form {
        /// Its first line.
        statement: String,
    },
}

/// What the files call materialized views.
const VIEW_SUFFIX: &str = "_view";
/// Where a table's replicas meet: the same for all nodes of a shard, and another after a table was dropped.
const REPLICA: &str = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'";

impl Cluster {
    /// Checks the name, which goes into statements.
    pub fn new(name: &str) -> Result<Self, ClusterError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if name.is_empty() || !name.bytes().all(is_plain) {
            return Err(ClusterError::Name {
                name: name.to_owned(),
            });
        }
        Ok(Self {
            name: name.to_owned(),
        })
    }

    /// ` ON CLUSTER '...'`
    pub(crate) fn clause(&self) -> String {
        format!(" ON CLUSTER '{}'", self.name)
    }

    /// What a statement becomes, in order.
    pub fn render(&self, statement: &str) -> Result<Vec<String>, ClusterError> {
        let rendered = if let Some(rest) = statement.strip_prefix("CREATE TABLE IF NOT EXISTS ") {
            self.create_table(rest)
        } else if let Some(rest) = statement.strip_prefix("CREATE MATERIALIZED VIEW IF NOT EXISTS ") {
            self.create_view(rest)
        } else if let Some(rest) = statement.strip_prefix("ALTER TABLE ") {
            self.alter(rest)
        } else if let Some(rest) = statement.strip_prefix("DROP TABLE IF EXISTS ") {
            Some(self.drop(rest))
        } else if let Some(rest) = statement.strip_prefix("DROP VIEW IF EXISTS ") {
            Some(self.drop(rest))
        } else if statement.starts_with("INSERT INTO ") {
            // Through the Distributed table, as everybody's.
            Some(vec![statement.to_owned()])
        } else {
            None
        };
        rendered.ok_or_else(|| ClusterError::Form {
            statement: statement.lines().next().unwrap_or_default().to_owned(),
        })
    }

    fn create_table(&self, rest: &str) -> Option<Vec<String>> {
        let (table, body) = rest.split_once(" (")?;
        let (columns, engine) = body.split_once("\n) ENGINE = ")?;
        let name_ends = engine.find(|character: char| !character.is_ascii_alphanumeric());
        let (family, after) = engine.split_at(name_ends.unwrap_or(engine.len()));
        if !family.ends_with("MergeTree") {
            return None;
        }
        let (arguments, clauses) = match after.strip_prefix('(') {
            Some(inner) => inner.split_once(')')?,
            None => ("", after),
        };
        let arguments = if arguments.is_empty() {
            REPLICA.to_owned()
        } else {
            format!("{REPLICA}, {arguments}")
        };
        let clauses = clauses.replace(
            "non_replicated_deduplication_window",
            "replicated_deduplication_window",
        );
        let clause = self.clause();
        let key = sharding_key(columns);
        Some(vec![
            format!(
                "CREATE TABLE IF NOT EXISTS {table}_local{clause} ({columns}\n) ENGINE = Replicated{family}({arguments}){clauses}"
            ),
            format!(
                "CREATE TABLE IF NOT EXISTS {table}{clause} AS {table}_local\n\
                 ENGINE = Distributed('{}', currentDatabase(), '{table}_local', {key})",
                self.name
            ),
        ])
    }

    fn create_view(&self, rest: &str) -> Option<Vec<String>> {
        let (view, rest) = rest.split_once(" TO ")?;
        let (target, select) = rest.split_once(" AS\n")?;
        let select = from_local(select)?;
        Some(vec![format!(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS {view}{} TO {target}_local AS\n{select}",
            self.clause()
        )])
    }

    fn alter(&self, rest: &str) -> Option<Vec<String>> {
        let end = rest.find(char::is_whitespace)?;
        let (table, actions) = rest.split_at(end);
        let clause = self.clause();
        if table.ends_with(VIEW_SUFFIX) {
            let select = actions.trim_start().strip_prefix("MODIFY QUERY\n")?;
            let select = from_local(select)?;
            return Some(vec![format!(
                "ALTER TABLE {table}{clause} MODIFY QUERY\n{select}"
            )]);
        }
        let mut statements = vec![format!("ALTER TABLE {table}_local{clause}{actions}")];
        if is_about_columns(actions)? {
            statements.push(format!("ALTER TABLE {table}{clause}{actions}"));
        }
        Some(statements)
    }

    fn drop(&self, rest: &str) -> Vec<String> {
        let table = rest.trim_end().trim_end_matches(" SYNC");
        let clause = self.clause();
        let drop = |name: &str| format!("DROP TABLE IF EXISTS {name}{clause} SYNC");
        if table.ends_with(VIEW_SUFFIX) {
            vec![drop(table)]
        } else {
            vec![drop(table), drop(&format!("{table}_local"))]
        }
    }
}

/// Traces stay together where there are any; a project does where there are none.
fn sharding_key(columns: &str) -> &'static str {
    let has_trace = columns
        .lines()
        .any(|line| line.trim_start().starts_with("trace_id "));
    if has_trace {
        "cityHash64(project_id, trace_id)"
    } else {
        "cityHash64(project_id)"
    }
}

/// A view's SELECT over its own node's rows.
fn from_local(select: &str) -> Option<String> {
    let (before, after) = select.split_once("\nFROM ")?;
    let end = after
        .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .unwrap_or(after.len());
    let (source, rest) = after.split_at(end);
    let is_one_source = !source.is_empty() && !rest.contains("FROM ") && !rest.contains("JOIN ");
    is_one_source.then(|| format!("{before}\nFROM {source}_local{rest}"))
}

/// Whether the Distributed table must follow: it has columns, and neither an order nor a lifetime. A
/// statement that changes both is none of ours.
fn is_about_columns(actions: &str) -> Option<bool> {
    let mut kinds = actions
        .split('\n')
        .flat_map(|line| line.split(", "))
        .map(str::trim_start)
        .filter_map(|action| {
            let columns = ["ADD COLUMN", "DROP COLUMN", "MODIFY COLUMN", "RENAME COLUMN"];
            let others = [
                "MODIFY",
                "ADD",
                "DROP",
                "MATERIALIZE",
                "RESET",
                "REMOVE",
                "DELETE",
                "UPDATE",
            ];
            if columns.iter().any(|kind| action.starts_with(kind)) {
                Some(true)
            } else if others.iter().any(|kind| action.starts_with(kind)) {
                Some(false)
            } else {
                None
            }
        });
    let first = kinds.next()?;
    kinds.all(|kind| kind == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> Cluster {
        Cluster::new("main").unwrap()
    }

    #[test]
    fn every_statement_of_every_migration_has_its_form_on_a_cluster() {
        for migration in crate::source::clickhouse() {
            let statements = migration.up.iter().chain(&migration.down);
            let rendered = statements.map(|statement| cluster().render(statement).unwrap().join(";\n\n"));
            let text = rendered.collect::<Vec<_>>().join(";\n\n");
            assert!(!text.contains("non_replicated"), "{text}");
            insta::assert_snapshot!(format!("{}_{}", migration.version, migration.name), text);
        }
    }

    #[test]
    fn names_that_could_end_a_statement_are_refused() {
        for name in ["", "a'b", "a b", "a;b", "{cluster}"] {
            assert!(
                matches!(Cluster::new(name), Err(ClusterError::Name { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn forms_that_are_not_known_are_refused_and_not_run_on_one_node_only() {
        for statement in [
            "CREATE TABLE t (a String) ENGINE = Memory",
            "CREATE TABLE IF NOT EXISTS t (\n    a String\n) ENGINE = Memory",
            "CREATE MATERIALIZED VIEW IF NOT EXISTS v TO t AS\nSELECT a\nFROM b\nJOIN c USING a",
            "ALTER TABLE t\n    ADD COLUMN a String,\n    MODIFY TTL b",
            "ALTER TABLE t_view MODIFY COMMENT 'x'",
            "OPTIMIZE TABLE t",
        ] {
            assert!(
                matches!(cluster().render(statement), Err(ClusterError::Form { .. })),
                "{statement}"
            );
        }
    }

    #[test]
    fn columns_are_changed_on_both_tables_and_lifetimes_on_the_local_one() {
        assert_eq!(
            cluster()
                .render("ALTER TABLE t\n    ADD COLUMN IF NOT EXISTS a String")
                .unwrap(),
            [
                "ALTER TABLE t_local ON CLUSTER 'main'\n    ADD COLUMN IF NOT EXISTS a String",
                "ALTER TABLE t ON CLUSTER 'main'\n    ADD COLUMN IF NOT EXISTS a String"
            ]
        );
        assert_eq!(
            cluster()
                .render("ALTER TABLE t MODIFY TTL a + INTERVAL 1 DAY")
                .unwrap(),
            ["ALTER TABLE t_local ON CLUSTER 'main' MODIFY TTL a + INTERVAL 1 DAY"]
        );
    }
}
