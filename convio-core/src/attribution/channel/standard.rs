use super::{AnyTouchKind, ChannelRule, ChannelRules, ChannelWhen, ClickIdsWhen};
use crate::attribution::ClickIdKind;
use crate::text::MarketingChannel;

impl ChannelRules {
    /// The rules of a workspace that has none of its own: those of the [default channel group of Google Analytics 4][ga4],
    /// adapted to leads.
    ///
    /// | channel | touches, first match wins |
    /// |---|---|
    /// | `cross-network` | a campaign with `cross-network` in its name |
    /// | `display` | medium `display`, `banner`, `expandable`, `interstitial`; `cpm` where no paid channel above `paid other` has it; an impression of which no more is known |
    /// | `paid search` | a search engine and a paid medium; `gclid`, `gbraid`, `wbraid`, `msclkid`; source `google ads` and the like; medium `paid_search` |
    /// | `paid social` | a social network and a paid medium; `ttclid`; `fbclid` and a paid medium; source `facebook lead ads` and the like; medium `paid_social` |
    /// | `paid video` | a video site and a paid medium |
    /// | `paid other` | any other paid medium |
    /// | `organic social` | a social network; medium `social` and the like; `fbclid` where nothing else is told |
    /// | `organic video` | a video site; a medium with `video` in it |
    /// | `organic search` | a search engine; medium `organic` |
    /// | `referral` | medium `referral`, `app`, `link` |
    /// | `email` | source or medium `email`, `e-mail`, `e_mail`, `e mail`; an e-mail of which no more is known |
    /// | `affiliates` | medium `affiliate`, `affiliates` |
    /// | `audio` | medium `audio` |
    /// | `sms` | source or medium `sms` |
    /// | `mobile push` | a medium with `push`, `mobile` or `notification` in it; source `firebase` |
    /// | `phone` | source or medium `phone`, `call` and the like; a call of which no more is known |
    /// | `direct` | source `(direct)`, `direct` or `unknown`, with medium `(none)`, `none`, `(not set)`, `not set` or none at all |
    /// | `unassigned` | everything else |
    ///
    /// A paid medium has `cp` (`cpc`, `cpm`, `cpa`), `ppc`, `paid` or `retargeting` in it.
    ///
    /// Where it differs from Google's:
    ///
    /// - Google's lists of sites have hundreds of entries; these have the names that leads commonly come with, and those of
    ///   advertising products, which people write as a lead's source.
    /// - Click ids count. Google, Microsoft and TikTok put theirs on clicks of advertisements only. Of the networks that Google
    ///   shows advertisements on, search is assumed unless source or medium say otherwise. Meta puts `fbclid` on every link out
    ///   of its apps, so it needs a paid medium to be paid. `fbc` and `fbp` are cookies, which tell nothing of this visit.
    /// - `direct` comes last, so that a click id, a campaign or a call speaks first.
    /// - `phone` is new. There is no shopping: such sites are `paid other`, `referral` or `unassigned`.
    /// - Parts of words stand for Google's patterns: a medium `unpaid` counts as paid, one that only begins with `push` as a
    ///   notification.
    ///
    /// [ga4]: https://support.google.com/analytics/answer/9756891
    ///
    /// ```
    /// use convio_core::attribution::{ChannelRules, ClickIds, TouchFacts};
    /// use convio_core::text::{Medium, Source};
    /// let (rules, none) = (ChannelRules::standard(), ClickIds::default());
    /// let channel = |source: &str, medium: Option<&str>| {
    ///     let (source, medium) = (Source::new(source).unwrap(), medium.map(|text| Medium::new(text).unwrap()));
    ///     let lead = TouchFacts {
    ///         kind: None,
    ///         source: &source,
    ///         medium: medium.as_ref(),
    ///         campaign: None,
    ///         click_ids: &none,
    ///     };
    ///     rules.classify(&lead).to_string()
    /// };
    /// assert_eq!(channel("Google", Some("cpc")), "paid search");
    /// assert_eq!(channel("fb", Some("paid_social")), "paid social");
    /// assert_eq!(channel("Google", None), "organic search");
    /// assert_eq!(channel("unknown", None), "direct");
    /// assert_eq!(channel("Partner", None), "unassigned");
    /// ```
    pub fn standard() -> Self {
        use ClickIdKind::{Fbclid, Gbraid, Gclid, Msclkid, Ttclid, Wbraid};
        let rules = vec![
            rule("cross-network", ChannelWhen { campaign_contains: all(&["cross-network"]), ..ANY }),
            rule("display", mediums(&["display", "banner", "expandable", "interstitial"])),
            rule("paid search", paid(sources(SEARCH))),
            rule("paid social", paid(sources(SOCIAL))),
            rule("paid video", paid(sources(VIDEO))),
            rule("paid search", clicks(&[Gclid, Gbraid, Wbraid, Msclkid])),
            rule("paid social", clicks(&[Ttclid])),
            rule("paid social", paid(clicks(&[Fbclid]))),
            rule("paid search", sources(SEARCH_ADS)),
            rule("paid social", sources(SOCIAL_ADS)),
            rule("paid search", mediums(&["paid search", "paid_search", "paid-search", "paidsearch"])),
            rule("paid social", mediums(&["paid social", "paid_social", "paid-social", "paidsocial"])),
            rule("display", mediums(&["cpm"])),
            rule("paid other", paid(ANY)),
            rule("organic social", sources(SOCIAL)),
            rule("organic social", mediums(SOCIAL_MEDIUMS)),
            rule("organic video", sources(VIDEO)),
            rule("organic video", ChannelWhen { medium_contains: all(&["video"]), ..ANY }),
            rule("organic search", sources(SEARCH)),
            rule("organic search", mediums(&["organic"])),
            rule("referral", mediums(&["referral", "app", "link"])),
            rule("email", sources(EMAIL)),
            rule("email", mediums(EMAIL)),
            rule("affiliates", mediums(&["affiliate", "affiliates"])),
            rule("audio", mediums(&["audio"])),
            rule("sms", sources(&["sms"])),
            rule("sms", mediums(&["sms"])),
            rule("mobile push", ChannelWhen { medium_contains: all(PUSH), ..ANY }),
            rule("mobile push", sources(&["firebase"])),
            rule("phone", sources(PHONE)),
            rule("phone", mediums(PHONE)),
            rule("organic social", clicks(&[Fbclid])),
            rule("phone", ChannelWhen { kinds: vec![AnyTouchKind::Call], ..ANY }),
            rule("email", ChannelWhen { kinds: vec![AnyTouchKind::Email], ..ANY }),
            rule("display", ChannelWhen { kinds: vec![AnyTouchKind::Impression], ..ANY }),
            rule("direct", ChannelWhen { mediums: all(NO_MEDIUMS), ..sources(DIRECT) }),
        ];
        Self { rules, otherwise: MarketingChannel::known("unassigned") }
    }
}

impl Default for ChannelRules {
    /// [`ChannelRules::standard`]
    fn default() -> Self {
        Self::standard()
    }
}

fn rule(channel: &'static str, when: ChannelWhen) -> ChannelRule {
    ChannelRule { channel: MarketingChannel::known(channel), when }
}

fn sources(list: &[&str]) -> ChannelWhen {
    ChannelWhen { sources: all(list), ..ANY }
}

fn mediums(list: &[&str]) -> ChannelWhen {
    ChannelWhen { mediums: all(list), ..ANY }
}

fn clicks(kinds: &[ClickIdKind]) -> ChannelWhen {
    ChannelWhen { click_ids: Some(ClickIdsWhen::AnyOf(kinds.to_vec())), ..ANY }
}

fn paid(when: ChannelWhen) -> ChannelWhen {
    ChannelWhen { medium_contains: all(PAID), ..when }
}

fn all(list: &[&str]) -> Vec<String> {
    list.iter().map(|entry| (*entry).to_owned()).collect()
}

/// No part given.
const ANY: ChannelWhen = ChannelWhen {
    sources: Vec::new(),
    source_contains: Vec::new(),
    mediums: Vec::new(),
    medium_contains: Vec::new(),
    campaign_contains: Vec::new(),
    click_ids: None,
    kinds: Vec::new(),
};
const PAID: &[&str] = &["cp", "ppc", "paid", "retargeting"];
#[rustfmt::skip]
const SEARCH: &[&str] = &[
    "google", "google.com", "www.google.com", "bing", "bing.com", "www.bing.com", "yahoo", "yahoo.com", "search.yahoo.com",
    "duckduckgo", "duckduckgo.com", "ecosia", "ecosia.org", "brave", "search.brave.com", "startpage", "qwant", "aol", "ask",
    "baidu", "baidu.com", "yandex", "yandex.ru", "naver", "naver.com", "seznam", "microsoft",
];
#[rustfmt::skip]
const SOCIAL: &[&str] = &[
    "facebook", "facebook.com", "m.facebook.com", "l.facebook.com", "lm.facebook.com", "fb", "meta", "instagram",
    "instagram.com", "l.instagram.com", "ig", "threads", "tiktok", "tiktok.com", "linkedin", "linkedin.com", "lnkd.in",
    "twitter", "twitter.com", "t.co", "x", "x.com", "pinterest", "pinterest.com", "reddit", "reddit.com", "snapchat",
    "snapchat.com", "nextdoor", "nextdoor.com", "quora", "quora.com",
];
#[rustfmt::skip]
const VIDEO: &[&str] = &[
    "youtube", "youtube.com", "m.youtube.com", "www.youtube.com", "vimeo", "vimeo.com", "twitch", "twitch.tv", "dailymotion",
    "dailymotion.com",
];
#[rustfmt::skip]
const SEARCH_ADS: &[&str] = &[
    "google ads", "google adwords", "adwords", "google lsa", "google local services ads", "bing ads", "microsoft ads",
    "microsoft advertising",
];
#[rustfmt::skip]
const SOCIAL_ADS: &[&str] = &[
    "facebook ads", "facebook lead ads", "meta ads", "meta lead ads", "instagram ads", "tiktok ads", "linkedin ads",
    "snapchat ads", "nextdoor ads",
];
const SOCIAL_MEDIUMS: &[&str] =
    &["social", "social-network", "social-media", "sm", "social network", "social media"];
const EMAIL: &[&str] = &["email", "e-mail", "e_mail", "e mail"];
const PUSH: &[&str] = &["push", "mobile", "notification"];
const PHONE: &[&str] = &["phone", "phone call", "phone_call", "call", "telephone"];
const DIRECT: &[&str] = &["(direct)", "direct", "unknown"];
const NO_MEDIUMS: &[&str] = &["(none)", "none", "(not set)", "not set"];
