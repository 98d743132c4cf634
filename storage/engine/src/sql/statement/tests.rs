use super::*;

fn whole(text: &str) -> Statement {
    match scan(text.as_bytes(), true) {
        Ok(Scan::Complete(statement)) => statement,
        other => panic!("{text}: {other:?}"),
    }
}

fn redirected(text: &str) -> String {
    match whole(text) {
        Statement::Rows(rows) => String::from_utf8(rows.redirected_to("/p"))
            .unwrap()
            .replace(" INTO OUTFILE '/p' APPEND COMPRESSION 'none' ", "@"),
        other => panic!("{text}: {other:?}"),
    }
}

fn insert(text: &str) -> (String, Option<String>, String) {
    match whole(text) {
        Statement::Insert(insert) => (
            String::from_utf8(insert.text).unwrap(),
            insert.format,
            String::from_utf8_lossy(&text.as_bytes()[insert.data_at..]).into_owned(),
        ),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn output_is_redirected_before_the_format_or_at_the_end() {
    assert_eq!(redirected("SELECT 1"), "SELECT 1@");
    assert_eq!(redirected("select 1 ;  -- end"), "select 1@");
    assert_eq!(redirected("SELECT 1 -- FORMAT JSON"), "SELECT 1@");
    assert_eq!(
        redirected("SELECT 1 SETTINGS a=1 FORMAT JSON"),
        "SELECT 1 SETTINGS a=1 @FORMAT JSON"
    );
    assert_eq!(
        redirected("SELECT 1 format CSV settings a=1;"),
        "SELECT 1 @format CSV settings a=1"
    );
    assert_eq!(redirected("WITH 1 AS x SELECT x"), "WITH 1 AS x SELECT x@");
    assert_eq!(
        redirected("(SELECT 1) UNION ALL (SELECT 2)"),
        "(SELECT 1) UNION ALL (SELECT 2)@"
    );
}

#[test]
fn a_column_called_format_is_no_clause() {
    assert_eq!(redirected("SELECT format FROM t"), "SELECT format FROM t@");
    assert_eq!(
        redirected("SELECT * FROM (SELECT 1 FORMAT JSON)"),
        "SELECT * FROM (SELECT 1 FORMAT JSON)@"
    );
    assert_eq!(redirected("SELECT 'x FORMAT JSON'"), "SELECT 'x FORMAT JSON'@");
}

#[test]
fn the_format_clause_is_reported() {
    let Statement::Rows(rows) = whole("SELECT 1 FORMAT JSONEachRow") else {
        panic!()
    };
    assert_eq!(rows.format.as_deref(), Some("JSONEachRow"));
    let Statement::Plain {
        format, reads_only, ..
    } = whole("SHOW TABLES FORMAT JSON")
    else {
        panic!()
    };
    assert_eq!((format.as_deref(), reads_only), (Some("JSON"), true));
}

#[test]
fn an_inserts_rows_begin_after_one_line_end() {
    let found = insert("INSERT INTO d.t (a, `values`) FORMAT TSV\n\n1\t2");
    assert_eq!(
        found,
        (
            "INSERT INTO d.t (a, `values`) ".into(),
            Some("TSV".into()),
            "\n1\t2".into()
        )
    );
    let found = insert("insert into t SETTINGS x='a FORMAT b' format  JSONEachRow {\"a\":1}");
    assert_eq!(
        found,
        (
            "insert into t SETTINGS x='a FORMAT b' ".into(),
            Some("JSONEachRow".into()),
            "{\"a\":1}".into()
        )
    );
    let found = insert("INSERT INTO t VALUES (1), (2)");
    assert_eq!(
        found,
        ("INSERT INTO t ".into(), Some("Values".into()), " (1), (2)".into())
    );
}

#[test]
fn a_table_may_have_any_name() {
    assert_eq!(insert("INSERT INTO values VALUES (1)").0, "INSERT INTO values ");
    assert_eq!(
        insert("INSERT INTO TABLE system.format FORMAT CSV\n1").0,
        "INSERT INTO TABLE system.format "
    );
    assert_eq!(
        insert("INSERT INTO FUNCTION null('a Int') VALUES (1)").0,
        "INSERT INTO FUNCTION null('a Int') "
    );
}

#[test]
fn an_insert_without_a_format_takes_what_follows() {
    assert_eq!(
        insert("INSERT INTO t (a, b)"),
        ("INSERT INTO t (a, b)".into(), None, String::new())
    );
}

#[test]
fn an_insert_from_a_query_is_a_plain_statement() {
    for text in [
        "INSERT INTO t SELECT 1",
        "INSERT INTO t (a) WITH 1 AS x SELECT x",
        "INSERT INTO t (SELECT 1)",
    ] {
        assert!(
            matches!(
                whole(text),
                Statement::Plain {
                    reads_only: false,
                    ..
                }
            ),
            "{text}"
        );
    }
}

#[test]
fn a_text_still_on_its_way_is_waited_for() {
    for text in [
        "",
        "SEL",
        "SELECT 1",
        "INSERT",
        "INSERT INTO t",
        "INSERT INTO t FORMAT TS",
        "INSERT INTO t FORMAT TSV",
        "INSERT INTO t FORMAT TSV \r",
    ] {
        assert_eq!(scan(text.as_bytes(), false), Ok(Scan::NeedMore), "{text}");
    }
    assert!(matches!(
        scan(b"INSERT INTO t FORMAT TSV\n1", false),
        Ok(Scan::Complete(_))
    ));
    assert!(matches!(
        scan(b"INSERT INTO t VALUES (", false),
        Ok(Scan::Complete(_))
    ));
}

#[test]
fn an_inserts_header_does_not_depend_on_how_it_arrives() {
    let text = b"INSERT INTO d.`t` (a, b) SETTINGS async_insert = 0 FORMAT RowBinary\n\x00FORMAT x";
    let whole = scan(text, true);
    for cut in 0..text.len() {
        let part = scan(&text[..cut], false);
        assert!(part == Ok(Scan::NeedMore) || part == whole, "{cut}");
    }
}

#[test]
fn refused_texts_say_why() {
    assert_eq!(scan(b" ; -- nothing", true), Err(Refusal::Empty));
    assert_eq!(
        scan(b"SELECT 1; DROP TABLE t", true),
        Err(Refusal::MultiStatement)
    );
    assert_eq!(
        scan(b"SELECT 1 INTO OUTFILE '/etc/x'", true),
        Err(Refusal::IntoOutfile)
    );
    assert_eq!(
        scan(b"INSERT INTO t FROM INFILE '/etc/passwd'", true),
        Err(Refusal::FromInfile)
    );
    let input = b"INSERT INTO t SELECT a FROM input('a UInt8') FORMAT CSV\n1\n";
    assert_eq!(scan(input, true), Err(Refusal::InputFunction));
    assert!(scan(b"SELECT ';'; ;", true).is_ok());
}

#[test]
fn killing_by_id_means_the_clients_id() {
    let Statement::Plain { text, reads_only, .. } = whole("KILL QUERY WHERE query_id = 'query_id' SYNC")
    else {
        panic!()
    };
    let text = String::from_utf8(text).unwrap();
    assert_eq!(
        text,
        "KILL QUERY WHERE if(Settings['metrics_perf_events_list'] = '', query_id, \
         Settings['metrics_perf_events_list']) = 'query_id' SYNC"
    );
    assert!(!reads_only);
}
