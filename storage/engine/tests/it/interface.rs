//! Queries, parameters, settings, errors and headers.

use crate::support::Database;

#[tokio::test]
async fn health_routes_answer_without_a_query() {
    let database = Database::create("health_routes").await;
    for path in ["/ping", "/replicas_status", "/"] {
        let request = database.http.get(format!("{}{path}", database.url));
        assert_eq!(database.send(request).await.ok(), "Ok.\n", "{path}");
    }
    let unknown = database
        .send(database.http.get(format!("{}/nope", database.url)))
        .await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_query_may_be_in_the_url_the_body_or_both() {
    let database = Database::create("query_places").await;
    let url = database.address(&[("query", "SELECT 1")]);
    assert_eq!(database.send(database.http.get(url)).await.ok(), "1\n");
    assert_eq!(database.run("SELECT 2").await, "2\n");
    assert_eq!(database.post(&[("query", "SELECT")], "3 + 1").await.ok(), "4\n");
    database
        .run("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
        .await;
    database
        .post(&[("query", "INSERT INTO t FORMAT CSV")], "1\n2\n")
        .await
        .ok();
    database
        .post(&[("query", "INSERT INTO t")], "VALUES (3)")
        .await
        .ok();
    database
        .post(&[], "INSERT INTO t (a) VALUES (4), (2 + 3)")
        .await
        .ok();
    assert_eq!(database.run("SELECT sum(a), count() FROM t").await, "15\t5\n");
}

#[tokio::test]
async fn parameters_keep_odd_characters() {
    let database = Database::create("odd_parameters").await;
    let text = "SELECT {s:String}, {n:Int64}, {a:Array(String)}, {i:Identifier} FROM (SELECT 7 AS x)";
    let parameters = [
        ("param_s", r"it's \t 'a\\b' \n é"),
        ("param_n", "-5"),
        ("param_a", r"['x','y\'z']"),
        ("param_i", "x"),
    ];
    let answer = database
        .post(
            &[&parameters[..], &[("default_format", "JSONCompactEachRow")]].concat(),
            text,
        )
        .await;
    assert_eq!(
        answer.ok(),
        "[\"it's \\t 'a\\\\b' \\n é\", -5, [\"x\",\"y'z\"], 7]\n"
    );
}

#[tokio::test]
async fn an_insert_takes_parameters_and_settings_too() {
    let database = Database::create("insert_parameters").await;
    database
        .run("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
        .await;
    let url = [
        ("query", "INSERT INTO {t:Identifier} FORMAT CSV"),
        ("param_t", "t"),
        ("input_format_csv_skip_first_lines", "1"),
    ];
    database.post(&url, "head\n9\n").await.ok();
    assert_eq!(database.run("SELECT a FROM t").await, "9\n");
}

#[tokio::test]
async fn the_output_format_is_the_statements_then_the_requests() {
    let database = Database::create("format_order").await;
    let answer = database
        .post(&[("default_format", "CSV")], "SELECT 'a' FORMAT JSONEachRow")
        .await;
    assert_eq!(answer.header("x-clickhouse-format"), "JSONEachRow");
    assert_eq!(answer.ok(), "{\"'a'\":\"a\"}\n");
    let answer = database
        .send(
            database
                .request(&[])
                .header("X-ClickHouse-Format", "CSV")
                .body("SELECT 'a'"),
        )
        .await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=UTF-8");
    assert_eq!(answer.ok(), "\"a\"\n");
    assert_eq!(
        database
            .post(&[("default_format", "JSONEachRow")], "SHOW TABLES")
            .await
            .ok(),
        ""
    );
}

#[tokio::test]
async fn every_answer_says_who_and_how_much() {
    let database = Database::create("answer_headers").await;
    let answer = database
        .post(&[("query_id", "my-own-id")], "SELECT number FROM numbers(1000)")
        .await;
    assert_eq!(answer.header("x-clickhouse-query-id"), "my-own-id");
    assert_eq!(answer.header("x-clickhouse-server-display-name"), "brokle");
    assert!(!answer.header("x-clickhouse-timezone").is_empty());
    assert_eq!(
        (answer.summary("read_rows"), answer.summary("result_rows")),
        (1000, 1000)
    );
    assert!(answer.summary("elapsed_ns") > 0);
    database
        .run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        .await;
    let written = database
        .post(&[("query", "INSERT INTO t FORMAT TSV")], "1\n2\n3\n")
        .await;
    assert_eq!(written.summary("written_rows"), 3);
    let written = database
        .post(&[], "INSERT INTO t SELECT number FROM numbers(10)")
        .await;
    assert_eq!(written.summary("written_rows"), 10);
    assert!(!written.header("x-clickhouse-query-id").is_empty());
}

#[tokio::test]
async fn errors_carry_their_code_and_status() {
    let database = Database::create("error_codes").await;
    for (text, code, status) in [
        ("SELECT * FROM nope", 60, 404),
        ("SELECT nope", 47, 404),
        ("SELECT 1 +", 62, 400),
        ("SELECT 1; SELECT 2", 62, 400),
        ("", 62, 400),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", 358, 500),
        ("INSERT INTO nope FORMAT CSV\n1", 60, 404),
        ("SELECT 1 FORMAT Nope", 73, 404),
        ("SELECT throwIf(1)", 395, 500),
        ("SELECT * FROM file('/etc/passwd', 'LineAsString')", 497, 403),
        (
            "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
            497,
            403,
        ),
    ] {
        let answer = database.post(&[], text).await;
        assert_eq!(
            (answer.code(), answer.status),
            (code, status),
            "{text}: {}",
            answer.text()
        );
        assert!(
            answer
                .text()
                .starts_with(&format!("Code: {code}. DB::Exception: ")),
            "{}",
            answer.text()
        );
        assert!(answer.text().contains("(version "), "{}", answer.text());
    }
    let unknown = database.post(&[("no_such_setting", "1")], "SELECT 1").await;
    assert_eq!((unknown.code(), unknown.status), (115, 404));
    let elsewhere = database
        .send(
            database
                .http
                .post(format!("{}/?database=missing", database.url))
                .body("SELECT 1"),
        )
        .await;
    assert_eq!((elsewhere.code(), elsewhere.status), (81, 404));
}

#[tokio::test]
async fn nothing_outside_the_data_can_be_reached() {
    let database = Database::create("outside").await;
    for text in [
        "SYSTEM SHUTDOWN",
        "SYSTEM KILL",
        "CREATE USER somebody",
        "CREATE DATABASE elsewhere ENGINE = Filesystem('/tmp')",
        "CREATE TABLE t (a UInt8) ENGINE = File('CSV')",
        "CREATE DICTIONARY d (k UInt64) PRIMARY KEY k SOURCE(FILE(path '/etc/passwd' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
        "INSERT INTO FUNCTION file('/tmp/x', 'CSV', 'a UInt8') VALUES (1)",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "SELECT * FROM default.`/etc/passwd`",
    ] {
        let answer = database.post(&[], text).await;
        assert_eq!(
            (answer.code(), answer.status),
            (497, 403),
            "{text}: {}",
            answer.text()
        );
    }
    for text in [
        "CREATE VIEW v AS SELECT 1 AS a",
        "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a",
        "CREATE MATERIALIZED VIEW m ENGINE = MergeTree ORDER BY a AS SELECT a FROM t",
        "CREATE TEMPORARY TABLE mine (a UInt8)",
        "CREATE FUNCTION outside_plus AS (x) -> x + 1",
        "DROP FUNCTION outside_plus",
        "CHECK TABLE t",
        "RENAME TABLE t TO u",
        "EXCHANGE TABLES u AND v",
        "SYSTEM FLUSH LOGS",
    ] {
        assert_eq!(database.post(&[], text).await.status, 200, "{text}");
    }
}

#[tokio::test]
async fn a_bad_row_refuses_the_insert() {
    let database = Database::create("bad_row").await;
    database
        .run("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
        .await;
    let answer = database
        .post(
            &[("query", "INSERT INTO t FORMAT JSONEachRow")],
            "{\"a\":1}{\"a\":\"x\"}",
        )
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(database.run("SELECT count() FROM t").await, "0\n");
}

#[tokio::test]
async fn a_get_changes_nothing() {
    let database = Database::create("get_is_read_only").await;
    let url = database.address(&[("query", "CREATE TABLE t (a UInt8) ENGINE = Memory")]);
    assert_eq!(database.send(database.http.get(url)).await.code(), 164);
    assert_eq!(database.run("EXISTS TABLE t").await, "0\n");
}

#[tokio::test]
async fn an_error_after_the_status_ends_the_body_with_its_block() {
    let database = Database::create("late_error").await;
    let text = "SELECT throwIf(number = 3000000) FROM numbers(4000000)";
    let answer = database.post(&[], text).await;
    assert_eq!(answer.status, 200);
    let tag = answer.header("x-clickhouse-exception-tag").to_owned();
    assert_eq!(tag.len(), 16);
    let text = answer.text();
    let (_, block) = text
        .split_once(&format!("\r\n__exception__\r\n{tag}\r\n"))
        .expect("the block begins");
    let (message, length) = block
        .strip_suffix(&format!(" {tag}\r\n__exception__\r\n"))
        .unwrap()
        .rsplit_once('\n')
        .unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), message.len() + 1);
    assert!(message.starts_with("Code: 395. DB::Exception: "), "{message}");
}

#[tokio::test]
async fn waiting_for_the_end_turns_a_late_error_into_a_status() {
    let database = Database::create("wait_end").await;
    let text = "SELECT throwIf(number = 3000000) FROM numbers(4000000)";
    let answer = database.post(&[("wait_end_of_query", "1")], text).await;
    assert_eq!((answer.code(), answer.status), (395, 500));
}

#[tokio::test]
async fn mutations_and_merges_run_in_the_small_pool() {
    let database = Database::create("small_pool").await;
    database
        .run("CREATE TABLE t (a UInt64, b UInt64) ENGINE = MergeTree ORDER BY a")
        .await;
    for _ in 0..3 {
        database
            .run("INSERT INTO t SELECT number, 0 FROM numbers(1000)")
            .await;
    }
    database
        .post(
            &[("mutations_sync", "2")],
            "ALTER TABLE t UPDATE b = 1 WHERE a < 10",
        )
        .await
        .ok();
    database.run("OPTIMIZE TABLE t FINAL").await;
    assert_eq!(database.run("SELECT sum(b), count() FROM t").await, "30\t3000\n");
    let parts = "SELECT count() FROM system.parts WHERE database = currentDatabase() AND active";
    assert_eq!(database.run(parts).await, "1\n");
}

#[tokio::test]
async fn the_engine_keeps_no_logs_of_its_own() {
    let database = Database::create("no_logs").await;
    database.run("SELECT 1").await;
    let text = "SELECT count() FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'";
    assert_eq!(database.run(text).await, "0\n");
}
