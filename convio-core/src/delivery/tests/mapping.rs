use proptest::prelude::*;
use serde_json::json;

use super::*;

fn says(mapping: &ResponseMapping, status: u16, body: &str) -> Verdict {
    mapping.verdict(&Response::new(status).body(body))
}

#[test]
fn without_rules_success_is_2xx_alone() {
    let none = ResponseMapping::default();
    for status in 0..=999 {
        let verdict = if (200..300).contains(&status) { Verdict::Accepted } else { Verdict::Retry };
        assert_eq!(says(&none, status, "duplicate rejected"), verdict, "{status}");
    }
}

#[test]
fn each_way_to_ask_for_a_body() {
    let keyword = ResponseMapping::of([ResponseRule::then(Verdict::Duplicate).body_contains("DUPLIKAT Ä")]);
    assert_eq!(says(&keyword, 200, "<r>duplikat ä</r>"), Verdict::Duplicate);
    assert_eq!(says(&keyword, 200, "duplikat"), Verdict::Accepted);
    let exact = ResponseMapping::of([ResponseRule::then(Verdict::Rejected).body_is("NO")]);
    assert_eq!(says(&exact, 200, "NO\r\n"), Verdict::Rejected);
    assert_eq!(says(&exact, 200, "no"), Verdict::Accepted);
    assert_eq!(says(&exact, 200, "NO WAY"), Verdict::Accepted);
    for (pointer, is, holds) in [
        ("/a/0/b", json!("x"), true),
        ("/a/0/b", json!("X"), false),
        ("/a/1", json!(null), true),
        ("/a/2", json!(null), false),
        ("/n", json!(1), true),
        ("/n", json!(1.0), false),
        ("/c~1d~0e", json!(true), true),
        ("/", json!(2), true),
        ("", json!(1), false),
    ] {
        let mapping = ResponseMapping::of([ResponseRule::then(Verdict::Rejected).json(pointer, is)]);
        let body = r#"{"a":[{"b":"x"},null],"n":1,"c/d~e":true,"":2}"#;
        assert_eq!(says(&mapping, 200, body) == Verdict::Rejected, holds, "{pointer}");
        assert_eq!(says(&mapping, 200, "no JSON"), Verdict::Accepted);
    }
}

#[test]
fn a_rule_holds_when_all_that_it_asks_does() {
    let mapping = ResponseMapping::of([
        ResponseRule::then(Verdict::Rejected).status(200, 200).body_contains("no"),
        ResponseRule::then(Verdict::Retry).status(200, 200).body_contains("later"),
        ResponseRule::then(Verdict::Accepted).status(302, 303),
    ]);
    assert_eq!(says(&mapping, 200, "no, later"), Verdict::Rejected, "the first that holds");
    assert_eq!(says(&mapping, 201, "no, later"), Verdict::Accepted);
    assert_eq!(says(&mapping, 200, "later"), Verdict::Retry);
    assert_eq!(says(&mapping, 302, ""), Verdict::Accepted, "who says so explicitly may");
    assert_eq!(says(&mapping, 301, ""), Verdict::Retry);
}

#[test]
fn a_body_that_was_cut_is_no_json_and_its_begin_is_text() {
    let mapping = ResponseMapping::of([
        ResponseRule::then(Verdict::Rejected).json("", 1),
        ResponseRule::then(Verdict::Duplicate).body_contains("dup"),
    ]);
    let mut cut = Response::new(200).body("1");
    cut.cut = true;
    assert_eq!(mapping.verdict(&cut), Verdict::Accepted);
    let long = Response::new(200).body(format!("dup{}", "x".repeat(RESPONSE_BYTES_MAX)));
    assert!(long.cut && long.body.len() == RESPONSE_BYTES_MAX);
    assert_eq!(mapping.verdict(&long), Verdict::Duplicate);
    let late = Response::new(200).body(format!("{}dup", "x".repeat(RESPONSE_BYTES_MAX)));
    assert_eq!(mapping.verdict(&late), Verdict::Accepted);
}

#[test]
fn every_rule_that_is_wrong_is_named() {
    let rule = || ResponseRule::then(Verdict::Rejected);
    let long = "x".repeat(BODY_IS_BYTES_MAX + 1);
    for (rule, code) in [
        (rule(), "empty"),
        (rule().status(99, 200), "out_of_range"),
        (rule().status(200, 600), "out_of_range"),
        (rule().body_contains(""), "empty"),
        (rule().body_is(long.clone()), "too_long"),
        (rule().json("a", 1), "pointer"),
        (rule().json("/a~2", 1), "pointer"),
        (rule().json("/a~", 1), "pointer"),
        (rule().json("/a", long), "too_long"),
    ] {
        let reasons = ResponseMapping::of([rule]).check();
        assert_eq!((reasons.len(), reasons[0].code.as_str()), (1, code), "{reasons:?}");
    }
    assert!(
        ResponseMapping::of([rule().body_is(""), rule().json("", 1), rule().status(204, 204)])
            .check()
            .is_empty()
    );
    assert_eq!(ResponseMapping::of(vec![rule().status(200, 299); RULES_MAX + 1]).check().len(), 1);
}

#[test]
fn a_mapping_reads_back_from_its_json() {
    let mapping = ResponseMapping::of([
        ResponseRule::then(Verdict::Duplicate).status(409, 409),
        ResponseRule::then(Verdict::Rejected).json("/ok", false),
        ResponseRule::then(Verdict::Retry).body_contains("busy"),
    ]);
    let text = serde_json::to_string(&mapping).unwrap();
    assert_eq!(
        text,
        r#"[{"status":[409,409],"then":"duplicate"},{"body":{"json":{"pointer":"/ok","is":false}},"then":"rejected"},{"body":{"containing":"busy"},"then":"retry"}]"#
    );
    assert_eq!(serde_json::from_str::<ResponseMapping>(&text).unwrap(), mapping);
}

#[test]
fn what_is_kept_of_a_response_is_bounded_and_says_what_it_lost() {
    let kept = Response::new(500).body([b'a', 0xff, b'b', 0]).kept();
    assert_eq!((kept.body.as_str(), kept.cut, kept.lossy), ("a\u{fffd}b\u{fffd}", false, true));
    let debug =
        format!("{:?} {:?}", Response::new(500).body("s3cret"), Response::new(500).body("s3cret").kept());
    assert!(!debug.contains("s3cret"), "{debug}");
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![Verdict::Accepted, Verdict::Rejected, Verdict::Duplicate, Verdict::Retry])
}

fn rule() -> impl Strategy<Value = ResponseRule> {
    let body = prop_oneof![
        Just(None),
        "[abA]{1,2}".prop_map(|text| Some(BodyIs::Containing(text))),
        "[ab]{0,2}".prop_map(|text| Some(BodyIs::Exactly(text))),
        (0_i64..3).prop_map(|n| Some(BodyIs::Json { pointer: String::new(), is: json!(n) })),
    ];
    let status = prop::option::of((198_u16..204, 0_u16..3).prop_map(|(first, more)| (first, first + more)));
    (status, body, verdict()).prop_map(|(status, body, then)| ResponseRule { status, body, then })
}

proptest! {
    #[test]
    fn the_first_rule_that_holds_alone_decides(
        rules in prop::collection::vec(rule(), 0..6),
        status in 198_u16..206,
        body in "[abAB ]{0,3}|[0-3]",
    ) {
        // Each rule by itself, beside one that holds for everything.
        let alone = |rule: &ResponseRule| {
            let [yes, no] = [Verdict::Accepted, Verdict::Retry].map(|then| ResponseMapping::of([ResponseRule { then, ..rule.clone() }]));
            says(&yes, status, &body) == Verdict::Accepted && says(&no, status, &body) == Verdict::Retry
        };
        let default = says(&ResponseMapping::default(), status, &body);
        let expected = rules.iter().find(|rule| alone(rule)).map_or(default, |rule| rule.then);
        prop_assert_eq!(says(&ResponseMapping::of(rules), status, &body), expected);
    }

    #[test]
    fn what_is_kept_is_a_begin_of_what_came(body in prop::collection::vec(any::<u8>(), 0..40), times in 1_usize..200) {
        let body = body.repeat(times);
        let response = Response::new(200).body(body.clone());
        let kept = response.kept();
        prop_assert!(kept.body.len() <= RESPONSE_KEPT_BYTES_MAX && !kept.body.contains('\0'));
        if !kept.lossy {
            prop_assert!(body.starts_with(kept.body.as_bytes()));
            prop_assert_eq!(kept.cut, kept.body.len() < body.len());
        }
    }
}
