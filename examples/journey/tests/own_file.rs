//! The user's own file.

mod support;

use serde_json::{Value, json};
use support::{Folder, failure, figures, journey, number, open, text};

const BANK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/bank_marketing.csv");

/// All rows of a file that says nobody, `;` found by itself: each row is a person.
#[test]
fn bank_marketing_as_it_is() {
    let folder = Folder::new();
    let arguments = ["--input", BANK, "--person-per-row", "--map", "campaign=", "--key", "external"];
    let found = figures(&folder.db(), &arguments);
    assert_eq!((&found["import"]["rows"], &found["import"]["created"]), (&json!(4_119), &json!(4_119)));
    assert_eq!(
        (&found["leads"], &found["contacts"], &found["rejected"]),
        (&json!(4_119), &json!(4_119), &json!(0))
    );
    assert_eq!(
        found["sources"][0]["source"], "bank_marketing",
        "blanks have the name that they came in under"
    );
    // `999` stands for those who were never contacted before: 3,979 in the file.
    let never = "SELECT count(*) FROM lead WHERE custom ->> 'pdays' = '999'";
    assert_eq!(number(&folder.db(), never), 3_979);
    assert_eq!(number(&folder.db(), "SELECT count(DISTINCT external_id) FROM lead"), 4_119);
    let again = figures(&folder.db(), &arguments);
    assert_eq!((&again["new_events"], &again["import"]["replayed"]), (&json!(0), &json!(4_119)));
}

#[test]
fn columns_are_read_as_told() {
    let folder = Folder::new();
    let leads = folder.write(
        "Fair Leads (2).csv",
        "\u{feff}Ref|Who|Handy|Wo|Wann|Leer|Geheim\r\n\
         1|\"Lee, Ann\"|0151 23456789|Stand 4|1.2.2026|Select|x\r\n\
         2|Bob \"B\" Ray|0151 23456789|stand 4|2.2.2026|ja|y\r\n\
         3|Cy|||3.2.2026|Select|z\r\n\
         4|\"Dee\r\nMay\"|+49 151 23456780||31.2.2026|Select|z\r\n\
         5|zu|wenig\r\n\
         |Eve|0151 23456781||||\r\n",
    );
    let mut arguments = vec!["--input", leads.to_str().unwrap(), "--region", "DE", "--received-at", "Wann"];
    for map in ["Ref=external_id", "Who=full_name", "Handy=phone", "Wo=source"] {
        arguments.extend(["--map", map]);
    }
    arguments.extend([
        "--time-format",
        "%d.%m.%Y",
        "--zone",
        "Europe/Berlin",
        "--blank",
        "Select",
        "--without",
        "Geheim",
    ]);
    arguments.extend(["--source", "fair"]);
    let found = figures(&folder.db(), &arguments);
    let import = &found["import"];
    assert_eq!(
        (&import["created"], &import["linked"], &import["rejected"]),
        (&json!(2), &json!(1), &json!(1))
    );
    let problems: Vec<(i64, &str)> = import["problems"]["first"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| (problem["line"].as_i64().unwrap(), problem["reasons"][0]["field"].as_str().unwrap()))
        .collect();
    assert_eq!(problems, [(4, "phone"), (5, "received_at"), (7, "row")]);
    let sources: Vec<(&str, i64)> = found["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| (source["source"].as_str().unwrap(), source["leads"].as_i64().unwrap()))
        .collect();
    assert_eq!(sources, [("fair", 1), ("stand 4", 2)]);
    let conn = open(&folder.db());
    let of = |id: &str, column: &str| -> String {
        let query = format!(
            "SELECT {column} FROM lead JOIN contact ON contact.id = contact_id WHERE external_id = ?1"
        );
        conn.query_row(&query, [id], |row| row.get(0)).unwrap()
    };
    assert_eq!((of("1", "phone"), of("1", "last_name")), ("+4915123456789".to_owned(), "Ray".to_owned()));
    assert_eq!(of("1", "custom"), r#"{"Leer":"","Wann":"1.2.2026"}"#);
    // Midnight in Berlin.
    assert_eq!(of("2", "CAST(received_at / 1000000 AS TEXT)"), "1769986800");
    let tables = text(&mut journey(&folder.db(), &arguments));
    assert!(tables.contains("line 7: row: too few cells: 3 in a file of 7 columns"), "{tables}");
    assert_eq!(number(&folder.db(), "SELECT count(*) FROM webhook WHERE name = 'Fair-Leads-2'"), 1);
}

#[test]
fn a_mapping_can_be_mended_and_what_was_rejected_stays_to_be_released() {
    let folder = Folder::new();
    let leads = folder.write("leads.csv", "who,where to reach\nAnn,+12125550123\n");
    let first = ["--input", leads.to_str().unwrap()];
    assert_eq!(figures(&folder.db(), &first)["rejected"], 1);
    let mended = ["--input", leads.to_str().unwrap(), "--map", "where to reach=phone"];
    let found = figures(&folder.db(), &mended);
    assert_eq!((&found["import"]["replayed"], &found["import"]["replayed_refused"]), (&json!(1), &json!(1)));
    assert_eq!(
        number(
            &folder.db(),
            "SELECT count(*) FROM webhook WHERE json_extract(settings, '$.fields') IS NOT NULL"
        ),
        1
    );
}

#[test]
fn other_encodings_are_named() {
    let folder = Folder::new();
    let latin = folder.write("latin.csv", b"name,phone\nJos\xE9,+12125550123\nAnn,+12125550124\n");
    let path = latin.to_str().unwrap();
    let unnamed = figures(&folder.db(), &["--input", path]);
    assert_eq!((&unnamed["import"]["bad"], &unnamed["import"]["created"]), (&json!(1), &json!(1)));
    let message = unnamed["import"]["problems"]["first"][0]["reasons"][0]["message"].as_str().unwrap();
    assert!(message.contains("name the file's encoding"), "{message}");
    let named = figures(&folder.db(), &["--input", path, "--encoding", "windows-1252"]);
    assert_eq!((&named["import"]["created"], &named["import"]["replayed"]), (&json!(1), &json!(1)));
    let name: String = open(&folder.db())
        .query_row("SELECT first_name FROM contact WHERE phone = '+12125550123'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(name, "José");
    let wide: Vec<u8> =
        "\u{feff}name\tphone\r\nZoë\t+12125550125\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = folder.write("wide.txt", wide);
    assert_eq!(figures(&folder.db(), &["--input", wide.to_str().unwrap()])["import"]["created"], 1);
}

#[test]
fn sales_are_recorded_by_the_leads_ids_once() {
    let folder = Folder::new();
    let leads = folder.write(
        "leads.csv",
        "id,phone,source,on\nA,+12125550123,Web,2026-01-10\nB,+12125550124,,2026-01-10\nC,,Web,\n",
    );
    let sales = folder.write(
        "sales.csv",
        "lead;eur;day;deal\nA;100,5;2026-01-20;1\nA;100.50;2026-01-20;2\nB;20;2026-01-09 10:00;3\nZ;1;;4\nC;1;;5\nB;30;yesterday;6\nB;40;;\n",
    );
    let mut arguments =
        vec!["--input", leads.to_str().unwrap(), "--map", "id=external_id", "--received-at", "on"];
    arguments.extend(["--currency", "EUR", "--zone", "Europe/Berlin", "--sales", sales.to_str().unwrap()]);
    for map in ["lead=lead", "eur=value", "day=at", "deal=id"] {
        arguments.extend(["--sales-map", map]);
    }
    for again in [false, true] {
        let found = figures(&folder.db(), &arguments);
        assert_eq!(
            (&found["sales"]["rows"], &found["sales"]["recorded"], &found["sales"]["failed"]),
            (&json!(7), &json!(3), &json!(4))
        );
        let problems: Vec<(i64, &str)> = found["sales"]["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| {
                (problem["line"].as_i64().unwrap(), problem["reasons"][0]["field"].as_str().unwrap())
            })
            .collect();
        assert_eq!(problems, [(2, "value"), (5, "lead"), (6, "lead"), (7, "at")]);
        assert_eq!(found["conversions"], 3);
        assert_eq!(found["conversions_before_their_lead"], 1);
        assert_eq!(found["revenue"], json!({"EUR": "160.50"}));
        assert_eq!(found["new_events"] == 0, again);
    }
    let before: i64 =
        number(&folder.db(), "SELECT seconds_to_convert FROM conversion WHERE external_id = '3'");
    assert_eq!(before, -14 * 3_600);
}

#[test]
fn acknowledged_lines_are_printed_before_the_figures() {
    let folder = Folder::new();
    let leads = folder.write("leads.csv", "phone\n+12125550123\n12\n\n+12125550123\n\"x\n");
    let printed = text(&mut journey(&folder.db(), &["--input", leads.to_str().unwrap(), "--acks"]));
    let acks: Vec<&str> = printed.lines().take(4).collect();
    assert_eq!(acks, ["2 created", "3 rejected", "5 linked", "6 bad"]);
}

#[test]
fn what_can_not_be_done_is_said_before_anything_is_stored() {
    let folder = Folder::new();
    let leads = folder.write("leads.csv", "name,phone\nAnn,+12125550123\n");
    let path = leads.to_str().unwrap();
    for (arguments, expected) in [
        (&["--map", "Phone=phone"][..], "there is no column `Phone`; the file has `name`, `phone`"),
        (&["--map", "phone=telephone"], "there is no field `telephone`"),
        (&["--received-at", "when"], "no column `when`"),
        (&["--received-at", "name", "--time-format", "%H"], "`%H` tells no time"),
        (&["--key", "fax"], "`fax` is no key"),
        (&["--zone", "Mars"], "Mars"),
        (&["--currency", "XXX"], "currency"),
        (&["--region", "Atlantis"], "region"),
        (&["--encoding", "utf-9"], "there is no encoding `utf-9`"),
        (&["--without", "x"], "no column `x`"),
    ] {
        let all = [&["--input", path], arguments].concat();
        let said = failure(&mut journey(&folder.db(), &all));
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    let leads_stored = |query| if folder.db().exists() { number(&folder.db(), query) } else { 0 };
    assert_eq!(leads_stored("SELECT count(*) FROM lead"), 0);
    assert!(
        failure(&mut journey(&folder.db(), &["--input", "/no/such.csv"]))
            .contains("`/no/such.csv` can't be read")
    );
    let sales = ["--input", path, "--sales", path, "--sales-map", "name=who"];
    assert!(failure(&mut journey(&folder.db(), &sales)).contains("a sale has no `who`"));
}

#[test]
fn a_dry_run_tells_how_columns_are_read() {
    let folder = Folder::new();
    let leads = folder.write("leads.csv", "name,mobile,roof\nAnn,+12125550123,tile\nBob,1,\nonly\n");
    let arguments = ["--input", leads.to_str().unwrap(), "--region", "US", "--dry-run", "--valid-phones"];
    let foretold: Value = figures(&folder.db(), &arguments);
    assert!(!folder.db().exists());
    assert_eq!(
        (&foretold["taken"], &foretold["rejected"], &foretold["bad"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let fields: Vec<&Value> = foretold["columns"].as_array().unwrap().iter().map(|c| &c["field"]).collect();
    assert_eq!(fields, [&json!("full_name"), &json!("phone"), &Value::Null]);
    let tables = text(&mut journey(&folder.db(), &arguments));
    assert!(
        tables.contains("kept with the lead as it is") && tables.contains("line 4: row: too few cells"),
        "{tables}"
    );
}
