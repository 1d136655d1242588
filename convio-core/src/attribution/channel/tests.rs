use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::attribution::{ClickIdKind, ClickIds, TouchKind};
use crate::change_set::Version;
use crate::id::{ContactId, LeadId, SequentialIds, WebhookId, WorkspaceId};
use crate::lead::{Attempts, Custom, Interest, Priority, Progress, Utm};
use crate::text::{Campaign, LeadType, Medium, Source};

/// A touch with names of its own.
#[derive(Debug, Clone)]
struct Facts {
    kind: Option<TouchKind>,
    source: Source,
    medium: Option<Medium>,
    campaign: Option<Campaign>,
    click_ids: ClickIds,
}

impl Facts {
    fn of(kind: Option<TouchKind>, source: &str, medium: &str, campaign: &str, click: &str) -> Self {
        let clicks = ClickIdKind::ALL.into_iter().filter(|kind| kind.code() == click);
        Self {
            kind,
            source: Source::new(source).unwrap(),
            medium: Medium::new(medium).ok(),
            campaign: Campaign::new(campaign).ok(),
            click_ids: ClickIds::parse(clicks.map(|kind| (kind, "abc"))).unwrap(),
        }
    }

    fn view(&self) -> TouchFacts<'_> {
        TouchFacts {
            kind: self.kind,
            source: &self.source,
            medium: self.medium.as_ref(),
            campaign: self.campaign.as_ref(),
            click_ids: &self.click_ids,
        }
    }
}

fn channel(name: &str) -> MarketingChannel {
    MarketingChannel::new(name).unwrap()
}

#[test]
fn the_standard_rules_say_what_their_table_says() {
    let (lead, call, visit) = (None, Some(TouchKind::Call), Some(TouchKind::Visit));
    let rules = ChannelRules::standard();
    for (kind, source, medium, campaign, click, expected) in [
        (lead, "google", "cpc", "", "", "paid search"),
        (lead, "Google.com", "PPC", "", "", "paid search"),
        (lead, "bing", "cpm", "", "", "paid search"),
        (lead, "google", "cpc", "2026 cross-network solar", "", "cross-network"),
        (lead, "google", "display", "", "gclid", "display"),
        (lead, "taboola", "cpm", "", "", "display"),
        (lead, "taboola", "cpc", "", "", "paid other"),
        (lead, "unknown", "", "", "gclid", "paid search"),
        (lead, "newsletter", "email", "", "gbraid", "paid search"),
        (lead, "unknown", "", "", "wbraid", "paid search"),
        (visit, "(direct)", "(none)", "", "msclkid", "paid search"),
        (lead, "facebook", "cpc", "", "fbclid", "paid social"),
        (lead, "landing page", "paid", "", "fbclid", "paid social"),
        (lead, "landing page", "", "", "fbclid", "organic social"),
        (lead, "newsletter", "email", "", "fbclid", "email"),
        (lead, "unknown", "", "", "ttclid", "paid social"),
        (lead, "unknown", "", "", "fbp", "direct"),
        (lead, "unknown", "", "", "fbc", "direct"),
        (lead, "partner", "paid_social", "", "", "paid social"),
        (lead, "partner", "Paid-Search", "", "", "paid search"),
        (lead, "Google  Ads", "", "", "", "paid search"),
        (lead, "Facebook Lead Ads", "", "", "", "paid social"),
        (lead, "youtube", "cpv", "", "", "paid video"),
        (lead, "youtube", "cpc", "", "gclid", "paid video"),
        (lead, "youtube", "", "", "", "organic video"),
        (lead, "partner", "instream video", "", "", "organic video"),
        (lead, "ig", "", "", "", "organic social"),
        (lead, "partner", "social-media", "", "", "organic social"),
        (lead, "duckduckgo", "", "", "", "organic search"),
        (lead, "partner", "organic", "", "", "organic search"),
        (lead, "partner", "referral", "", "", "referral"),
        (lead, "e-mail", "", "", "", "email"),
        (lead, "partner", "affiliate", "", "", "affiliates"),
        (lead, "spotify", "audio", "", "", "audio"),
        (lead, "sms", "", "", "", "sms"),
        (lead, "partner", "SMS", "", "", "sms"),
        (lead, "partner", "web push", "", "", "mobile push"),
        (lead, "firebase", "", "", "", "mobile push"),
        (lead, "partner", "call", "", "", "phone"),
        (call, "unknown", "", "", "", "phone"),
        (call, "partner", "", "", "", "phone"),
        (call, "google", "cpc", "", "", "paid search"),
        (call, "unknown", "", "", "gclid", "paid search"),
        (Some(TouchKind::Email), "unknown", "", "", "", "email"),
        (Some(TouchKind::Impression), "partner", "", "", "", "display"),
        (visit, "unknown", "", "", "", "direct"),
        (visit, "Direct", "(not set)", "", "", "direct"),
        (lead, "(direct)", "none", "", "", "direct"),
        (lead, "unknown", "fax", "", "", "unassigned"),
        (lead, "partner", "", "", "", "unassigned"),
    ] {
        let facts = Facts::of(kind, source, medium, campaign, click);
        let found = rules.classify(&facts.view());
        assert_eq!(found.as_str(), expected, "{facts:?}");
    }
}

#[test]
fn the_standard_rules_pass_their_own_check_and_stay_as_they_are() {
    let standard = ChannelRules::standard();
    let checked = ChannelRules::new(standard.rules().to_vec(), standard.otherwise().clone()).unwrap();
    assert_eq!(checked, standard);
    let kept = serde_json::to_string(&standard).unwrap();
    assert_eq!(serde_json::from_str::<ChannelRules>(&kept).unwrap(), standard);
    assert_eq!(ChannelRules::default(), standard);
    for rule in standard.rules() {
        assert_eq!(rule.channel.as_str(), rule.channel.key());
    }
}

#[test]
fn every_failing_field_is_named() {
    let long = "x".repeat(CHANNEL_ENTRY_BYTES_MAX + 1);
    let many = vec!["a".to_owned(); CHANNEL_ENTRIES_MAX + 1];
    let whens = [
        ChannelWhen::default(),
        ChannelWhen { sources: vec!["ok".into(), "\u{200b} ".into(), long.clone()], ..Default::default() },
        ChannelWhen { mediums: many, medium_contains: vec![String::new()], ..Default::default() },
        ChannelWhen { click_ids: Some(ClickIdsWhen::AnyOf(vec![])), ..Default::default() },
        ChannelWhen {
            source_contains: vec![long],
            campaign_contains: vec![" ".into()],
            ..Default::default()
        },
        ChannelWhen { kinds: vec![AnyTouchKind::Lead; CHANNEL_ENTRIES_MAX + 1], ..Default::default() },
    ];
    let rules = whens.map(|when| ChannelRule { channel: channel("a"), when });
    let refused = ChannelRules::new(rules, channel("b")).unwrap_err();
    let found: Vec<(&str, &str)> =
        refused.reasons().iter().map(|reason| (reason.field.as_str(), reason.code.as_str())).collect();
    let expected = [
        ("rules[0].when", "empty"),
        ("rules[1].when.sources[1]", "blank"),
        ("rules[1].when.sources[2]", "too_long"),
        ("rules[2].when.mediums", "too_many"),
        ("rules[2].when.medium_contains[0]", "blank"),
        ("rules[3].when.click_ids", "empty"),
        ("rules[4].when.source_contains[0]", "too_long"),
        ("rules[4].when.campaign_contains[0]", "blank"),
        ("rules[5].when.kinds", "too_many"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn rules_are_bounded_and_checked_when_they_are_read() {
    let rule = |entries: usize| {
        let sources = vec!["s".repeat(CHANNEL_ENTRY_BYTES_MAX); entries];
        ChannelRule { channel: channel("a"), when: ChannelWhen { sources, ..Default::default() } }
    };
    let field = |refused: Result<ChannelRules, Error>| {
        let reason = refused.unwrap_err().reasons()[0].clone();
        (reason.field, reason.code)
    };
    assert!(ChannelRules::new(vec![rule(1); CHANNEL_RULES_MAX], channel("b")).is_ok());
    let many = ChannelRules::new(vec![rule(1); CHANNEL_RULES_MAX + 1], channel("b"));
    assert_eq!(field(many), ("rules".into(), "too_many".into()));
    let large =
        ChannelRules::new([rule(CHANNEL_RULES_BYTES_MAX / CHANNEL_ENTRY_BYTES_MAX + 1)], channel("b"));
    assert_eq!(field(large), ("rules".into(), "too_large".into()));

    for bad in [
        json!({"rules": [{"channel": "a", "when": {}}], "otherwise": "b"}),
        json!({"rules": [{"channel": "a", "when": {"sources": [" "]}}], "otherwise": "b"}),
        json!({"rules": [{"channel": "a", "when": {"source": ["x"]}}], "otherwise": "b"}),
        json!({"rules": [{"channel": " ", "when": {"sources": ["x"]}}], "otherwise": "b"}),
        json!({"rules": []}),
    ] {
        assert!(serde_json::from_value::<ChannelRules>(bad.clone()).is_err(), "{bad}");
    }
    let refused = serde_json::from_value::<ChannelRules>(
        json!({"rules": [{"channel": "a", "when": {"sources": ["ok", " "]}}], "otherwise": "b"}),
    );
    assert_eq!(refused.unwrap_err().to_string(), "rules[0].when.sources[1]: the entry is blank");
    let none: ChannelRules = serde_json::from_value(json!({"rules": [], "otherwise": "b"})).unwrap();
    assert_eq!(none.classify(&Facts::of(None, "x", "", "", "").view()), &channel("b"));
}

fn lead(source: &str, campaign: Option<&str>, utm: Utm, custom: serde_json::Value) -> Lead {
    let (ids, at) = (SequentialIds::seeded(1), "2026-03-02T10:00:00Z".parse().unwrap());
    Lead {
        id: LeadId::new(&ids, at),
        workspace: WorkspaceId::new(&ids, at),
        contact: ContactId::new(&ids, at),
        webhook: WebhookId::new(&ids, at),
        provider: None,
        interest: Interest {
            source: Source::new(source).unwrap(),
            lead_type: LeadType::standard(),
            campaign: campaign.map(|name| Campaign::new(name).unwrap()),
            product: None,
            utm,
            external_id: None,
        },
        custom: serde_json::from_value::<Custom>(custom).unwrap(),
        postal_code: None,
        flags: Vec::new(),
        test: false,
        progress: Progress::default(),
        owner: None,
        follow_up_at: None,
        priority: Priority::default(),
        attempts: Attempts::default(),
        duplicate_of: None,
        opened_contact: true,
        deleted_at: None,
        received_at: at,
        created_at: at,
        version: Version::ZERO,
    }
}

#[test]
fn a_lead_goes_by_its_landing_and_keeps_its_own_source() {
    let rules = ChannelRules::standard();
    let some = |text: &str| Some(text.to_owned());
    let utm = Utm { source: some("google"), medium: some("cpc"), campaign: some("spring"), ..Utm::default() };
    let touch = rules.of_lead(&lead("Landing page", Some("own"), utm, json!({})));
    assert_eq!((touch.channel.as_str(), touch.source.as_str()), ("paid search", "Landing page"));
    assert_eq!(touch.campaign, Some(Campaign::new("own").unwrap()));
    assert_eq!(touch.medium, Some(Medium::new("cpc").unwrap()));

    let unusable =
        Utm { source: some(" "), medium: some(" "), campaign: some(&"x".repeat(500)), ..Utm::default() };
    let touch = rules.of_lead(&lead("google", Some("Cross-Network"), unusable, json!({})));
    assert_eq!((touch.channel.as_str(), touch.medium), ("cross-network", None));

    let custom =
        json!({"tracking": {"data": {"FbClid": "deep"}, "fbclid": "IwAR0"}, "gclid": 7, "fbclid": "null"});
    let touch = rules.of_lead(&lead("unknown", None, Utm::default(), custom));
    assert_eq!(touch.channel.as_str(), "organic social");
    assert_eq!(touch.click_ids, ClickIds::parse([(ClickIdKind::Fbclid, "IwAR0")]).unwrap());
    assert_eq!(TouchFacts::of(&touch).kind, None);
}

#[test]
fn the_kinds_of_click_ids_are_all_there() {
    for kind in ClickIdKind::ALL {
        let custom = serde_json::from_value(json!({ kind.code(): "x1", "long": "x".repeat(2_000) })).unwrap();
        assert_eq!(ClickIds::of_custom(&custom).of(kind), Some("x1"));
    }
    let long = serde_json::from_value(json!({ "gclid": "x".repeat(2_000) })).unwrap();
    assert!(ClickIds::of_custom(&long).is_empty());
}

/// Few texts that have much to do with one another, as people would write them.
const TEXTS: [&str; 8] = ["Google", "google ads", " GOOGLE  Ads", "cpc", "(none)", "CP", "ads", "É"];

fn texts() -> impl Strategy<Value = Vec<String>> {
    let text = prop::sample::select(&TEXTS[..]).prop_map(str::to_owned);
    prop_oneof![3 => Just(Vec::new()), 2 => prop::collection::vec(text, 1..3)]
}

fn whens() -> impl Strategy<Value = ChannelWhen> {
    let kinds = [AnyTouchKind::Lead, AnyTouchKind::Call, AnyTouchKind::Visit];
    let clicks = prop::collection::vec(prop::sample::select(&ClickIdKind::ALL[..3]), 1..3);
    let clicks = prop_oneof![Just(ClickIdsWhen::Any), clicks.prop_map(ClickIdsWhen::AnyOf)];
    let kinds = prop::collection::vec(prop::sample::select(kinds.to_vec()), 0..2);
    let parts = (texts(), texts(), texts(), texts(), texts(), prop::option::weighted(0.2, clicks), kinds);
    let when = |(sources, source_contains, mediums, medium_contains, campaign_contains, click_ids, kinds)| {
        ChannelWhen {
            sources,
            source_contains,
            mediums,
            medium_contains,
            campaign_contains,
            click_ids,
            kinds,
        }
    };
    parts.prop_map(when).prop_filter("says something", |when| *when != ChannelWhen::default())
}

fn facts() -> impl Strategy<Value = Facts> {
    let kind = prop::sample::select(vec![None, Some(TouchKind::Call), Some(TouchKind::Visit)]);
    let text = || prop::sample::select(&TEXTS[..]);
    let some = || prop_oneof![Just(""), text()];
    let click = prop::sample::select(vec!["", "gclid", "gbraid", "wbraid"]);
    (kind, text(), some(), some(), click)
        .prop_map(|(kind, source, medium, campaign, click)| Facts::of(kind, source, medium, campaign, click))
}

/// Whether a condition holds, by what its parts say, from the texts as they were written.
fn naive(when: &ChannelWhen, facts: &Facts) -> bool {
    let fold = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let source = fold(facts.source.as_str());
    let medium = facts.medium.as_ref().map(|name| fold(name.as_str()));
    let campaign = facts.campaign.as_ref().map(|name| fold(name.as_str()));
    let mut parts = Vec::new();
    if !when.sources.is_empty() {
        parts.push(when.sources.iter().any(|text| fold(text) == source));
    }
    if !when.source_contains.is_empty() {
        parts.push(when.source_contains.iter().any(|text| source.contains(&fold(text))));
    }
    if !when.mediums.is_empty() {
        let medium = medium.clone().unwrap_or_else(|| "(none)".to_owned());
        parts.push(when.mediums.iter().any(|text| fold(text) == medium));
    }
    for (list, name) in [(&when.medium_contains, medium), (&when.campaign_contains, campaign)] {
        if !list.is_empty() {
            parts.push(name.is_some_and(|name| list.iter().any(|text| name.contains(&fold(text)))));
        }
    }
    match &when.click_ids {
        None => {}
        Some(ClickIdsWhen::Any) => parts.push(!facts.click_ids.is_empty()),
        Some(ClickIdsWhen::AnyOf(kinds)) => {
            let has = ClickIdKind::ALL.into_iter().filter(|kind| facts.click_ids.of(*kind).is_some());
            parts.push(has.into_iter().any(|kind| kinds.contains(&kind)));
        }
    }
    if !when.kinds.is_empty() {
        parts.push(when.kinds.iter().any(|kind| match kind {
            AnyTouchKind::Lead => facts.kind.is_none(),
            AnyTouchKind::Call => facts.kind == Some(TouchKind::Call),
            _ => facts.kind == Some(TouchKind::Visit),
        }));
    }
    parts.into_iter().all(|part| part)
}

proptest! {
    #[test]
    fn classifying_is_the_naive_first_match(whens in prop::collection::vec(whens(), 0..6), facts in facts()) {
        let named = whens.iter().enumerate();
        let rules = named.map(|(n, when)| ChannelRule { channel: channel(&n.to_string()), when: when.clone() });
        let rules = ChannelRules::new(rules, channel("otherwise")).unwrap();
        let first = whens.iter().position(|when| naive(when, &facts));
        let expected = first.map_or("otherwise".to_owned(), |n| n.to_string());
        prop_assert_eq!(rules.classify(&facts.view()).as_str(), expected);

        let kept = serde_json::to_value(&rules).unwrap();
        let read: ChannelRules = serde_json::from_value(kept).unwrap();
        prop_assert_eq!(read, rules);
    }
}
