use super::*;

fn wrong(set: impl FnOnce(&mut EndpointSettings)) -> Vec<String> {
    let new = NewEndpoint::to("https://hooks.example.com/")
        .with(|settings| settings.events = EventFilter::Any)
        .with(set);
    let reasons = new.check(&Guard::new()).err().unwrap_or_default();
    reasons.into_iter().map(|reason| format!("{} {}", reason.field, reason.code)).collect()
}

#[test]
fn each_setting_has_its_bounds() {
    assert_eq!(wrong(|_| {}), Vec::<String>::new());
    assert_eq!(wrong(|s| s.to = Destination::default()), ["url missing"]);
    assert_eq!(wrong(|s| s.events = EventFilter::Only(vec![])), ["events empty"]);
    assert_eq!(wrong(|s| s.events = EventFilter::only(vec!["a."; KINDS_MAX + 1])), ["events too_many"]);
    assert_eq!(
        wrong(|s| s.events = EventFilter::only(["a".repeat(KIND_BYTES_MAX + 1)])),
        ["events[0] too_long"]
    );
    for kind in ["", ".", "a..b", ".a", "A", "lead.*", "lead received", "ä"] {
        assert_eq!(wrong(|s| s.events = EventFilter::only([kind])), ["events[0] invalid"], "{kind}");
    }
    for (seconds, fine) in [(0, false), (1, true), (30, true), (31, false)] {
        assert_eq!(wrong(|s| s.timeout_seconds = seconds).is_empty(), fine, "{seconds}");
    }
    for (hours, fine) in
        [(None, true), (Some(0), false), (Some(1), true), (Some(2_160), true), (Some(2_161), false)]
    {
        assert_eq!(wrong(|s| s.disable_after_hours = hours).is_empty(), fine, "{hours:?}");
    }
    let all = wrong(|s| {
        s.retry = RetrySchedule { delays_seconds: vec![], jitter_percent: 255 };
        s.mapping = ResponseMapping::of([ResponseRule::then(Verdict::Retry)]);
        s.timeout_seconds = 0;
    });
    let expected = [
        "timeout_seconds out_of_range",
        "retry.delays_seconds out_of_range",
        "retry.jitter_percent out_of_range",
        "mapping[0] empty",
    ];
    assert_eq!(all, expected);
}

#[test]
fn an_endpoint_reads_back_from_its_json_and_settings_have_no_secret() {
    let endpoint = endpoint_with(|settings| settings.events = EventFilter::only(["lead."]));
    let text = serde_json::to_string(&endpoint).unwrap();
    assert_eq!(serde_json::from_str::<Endpoint>(&text).unwrap(), endpoint);
    assert!(text.contains("whsec_"));
    assert!(!serde_json::to_string(&endpoint.settings).unwrap().contains("whsec_"));
    let older: EndpointSettings =
        serde_json::from_str(r#"{"to":{"url":"https://hooks.example.com/in"}}"#).unwrap();
    assert_eq!((older.timeout_seconds, older.payload), (15, PayloadKind::Thin));
    assert!(!older.events.takes("lead.received"), "nothing is sent that nobody asked for");
}

#[test]
fn an_endpoint_refuses_for_one_reason_at_a_time() {
    let endpoint = endpoint_with(|_| {});
    let code = |endpoint: &Endpoint| endpoint.refusal().map(|reason| reason.code);
    assert_eq!(code(&endpoint), None);
    let disabled = endpoint.disable(Disabled { at: start(), why: DisabledWhy::Failing { since: start() } });
    assert_eq!(code(&disabled).as_deref(), Some("disabled"));
    let again = disabled.disable(Disabled { at: after(9), why: DisabledWhy::Gone });
    assert_eq!(again, disabled, "why it was first is what counts");
    assert_eq!(disabled.enable(), endpoint);
    let deleted = Endpoint { deleted_at: Some(start()), ..disabled };
    assert_eq!(code(&deleted).as_deref(), Some("deleted"));
    assert!(!deleted.takes("lead.received") && endpoint.takes("lead.received"));
}

#[test]
fn a_new_endpoint_has_a_secret_of_its_own_or_the_one_it_was_given() {
    let ids = SequentialIds::seeded(1);
    let acme = WorkspaceId::new(&ids, start());
    let new =
        || NewEndpoint::to("https://hooks.example.com/").with(|settings| settings.events = EventFilter::Any);
    let one = new().create(acme, start(), &ids, &Guard::new()).unwrap();
    let two = new().create(acme, start(), &ids, &Guard::new()).unwrap();
    assert_ne!(one.signing, two.signing);
    let given = new()
        .signed_by(SecretSource::reference("vault/1"))
        .create(acme, start(), &ids, &Guard::new())
        .unwrap();
    assert_eq!(given.signing, Signing::by(SecretSource::reference("vault/1")));
    let error =
        new().signed_by(SecretSource::reference("")).create(acme, start(), &ids, &Guard::new()).unwrap_err();
    assert_eq!(error.reasons()[0].field, "secret");
    let rotated = one.rotate(SecretSource::reference("vault/2"), start(), None).unwrap();
    assert_eq!(rotated.signing.retired[0].until, after(24 * 3_600));
}
