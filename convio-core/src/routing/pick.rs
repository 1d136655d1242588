use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

pub(crate) use self::state::State;
pub(super) use self::state::{Noted, nothing};
use super::rule::asks_nothing;
use super::{
    Away, Cap, Counted, Declined, Freed, Passed, RoutingRequest, Rule, RuleSet, Seat, Seated, Share,
    Strategy, Target, TargetSettings, Why, smooth_round,
};
use crate::canonical::Fingerprint;
use crate::money::Money;
use crate::text::short;

/// What choosing among targets goes by beside the rules one by one: made once per publication.
#[derive(Default)]
pub(super) struct Choices {
    settings: HashMap<Target, TargetSettings>,
    /// Targets that some rule goes by the load of.
    loads: HashSet<Target>,
    /// The rounds of the rules that rotate, by name.
    rounds: HashMap<String, Vec<u16>>,
    /// The keys of the caps of those that have one with a condition, by [`rule_key`] or [`target_key`]: a fingerprint is dear.
    cap_keys: HashMap<String, Vec<String>>,
}

impl Choices {
    pub(super) fn of(rules: &RuleSet) -> Self {
        let mut choices = Self::default();
        choices.settings.extend(rules.targets.iter().map(|it| (it.target.clone(), it.clone())));
        let has_conditions = |caps: &[Cap]| caps.iter().any(|cap| !asks_nothing(&cap.when));
        let keys = |of: String, caps: &[Cap]| {
            let keys = caps.iter().map(|cap| cap_key(&of, cap)).collect();
            (of, keys)
        };
        let of_rules = rules.rules.iter().filter(|rule| has_conditions(&rule.caps));
        let of_targets = rules.targets.iter().filter(|it| has_conditions(&it.caps));
        choices.cap_keys.extend(of_rules.map(|rule| keys(rule_key(rule), &rule.caps)));
        choices.cap_keys.extend(of_targets.map(|it| keys(target_key(&it.target), &it.caps)));
        for rule in &rules.rules {
            match rule.strategy {
                Strategy::LeastLoaded => {
                    choices.loads.extend(rule.to.iter().map(|share| share.target.clone()));
                }
                Strategy::Rotate => {
                    let weights: Vec<u32> = rule.to.iter().map(|share| share.weight).collect();
                    choices.rounds.insert(rule.name.clone(), smooth_round(&weights));
                }
                Strategy::First
                | Strategy::Percentage
                | Strategy::Fair
                | Strategy::Price
                | Strategy::Broadcast => {}
            }
        }
        choices
    }

    /// Whether who gets a request is known without any counter: the one target of a rule that counts none, where it is there
    /// and neither has a cap for it.
    pub(super) fn is_sure(&self, rule: &Rule, request: &RoutingRequest) -> bool {
        let is_capped = |caps: &[Cap]| caps.iter().any(|cap| cap.is_about(request));
        let takes = |share: &Share| {
            let settings = self.settings.get(&share.target);
            let is_there = |it: &TargetSettings| it.active && Away::until(&it.away, request).is_none();
            settings.is_none_or(|it| is_there(it) && !is_capped(&it.caps))
                && !self.loads.contains(&share.target)
        };
        let is_one = rule.to.len() == 1 && !matches!(rule.strategy, Strategy::Rotate | Strategy::Fair);
        is_one && !is_capped(&rule.caps) && rule.to.iter().all(takes)
    }

    fn caps_of(&self, target: &Target) -> &[Cap] {
        self.settings.get(target).map_or(&[], |settings| &settings.caps)
    }

    /// The caps that a request counts for, each with its counter.
    fn counting<'c>(
        &'c self,
        caps: &'c [Cap],
        of: &'c str,
        request: &'c RoutingRequest,
    ) -> impl Iterator<Item = (&'c Cap, String, DateTime<Utc>)> {
        let keys = self.cap_keys.get(of);
        let about = caps.iter().enumerate().filter(|(_, cap)| cap.is_about(request));
        about.map(move |(n, cap)| {
            let key = keys.map_or_else(|| cap_key(of, cap), |keys| keys[n].clone());
            (cap, key, cap.window(request.at))
        })
    }

    /// The counters that [`pick`] may look at.
    pub(super) fn counters<'r>(
        &self,
        matching: impl Iterator<Item = &'r Rule>,
        request: &RoutingRequest,
    ) -> Vec<(String, DateTime<Utc>)> {
        let mut keys = Vec::new();
        let add = |keys: &mut Vec<_>, caps: &[Cap], of: &str| {
            keys.extend(self.counting(caps, of, request).map(|(_, key, window)| (key, window)));
        };
        for rule in matching.take(MATCHING_MAX) {
            add(&mut keys, &rule.caps, &rule_key(rule));
            for share in &rule.to {
                add(&mut keys, self.caps_of(&share.target), &target_key(&share.target));
                if self.loads.contains(&share.target) {
                    keys.push((load_key(&share.target), DateTime::UNIX_EPOCH));
                }
            }
            match rule.strategy {
                Strategy::Rotate => keys.push((turn_key(rule), DateTime::UNIX_EPOCH)),
                Strategy::Fair => {
                    let window = rule.ledger.window(request.at);
                    let of = |share: &Share| [level_key(rule, &share.target), base_key(rule, &share.target)];
                    keys.extend(rule.to.iter().flat_map(of).map(|key| (key, window)));
                }
                _ => {}
            }
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Goes through the rules that match, each with its place, in their order, up to the one that has somebody for it.
    pub(super) fn pick<'r, S: State>(
        &self,
        matching: impl Iterator<Item = (usize, &'r Rule)>,
        request: &RoutingRequest,
        declined: &[Declined],
        state: S,
    ) -> Result<Picked, S::Error> {
        let mut pick = Pick {
            choices: self,
            request,
            declined,
            state,
            counted: Vec::new(),
            seats: Vec::new(),
            passed: Vec::new(),
        };
        for (place, rule) in matching.take(MATCHING_MAX) {
            if let Some((share, also)) = pick.of_rule(rule)? {
                let Pick { counted, seats, passed, .. } = pick;
                let (target, price) = (Some(share.target.clone()), share.price);
                return Ok(Picked { place: Some(place), target, price, also, counted, seats, passed });
            }
        }
        let Pick { counted, seats, passed, .. } = pick;
        Ok(Picked { place: None, target: None, price: None, also: Vec::new(), counted, seats, passed })
    }
}

/// What came of picking.
pub(super) struct Picked {
    /// The place of the rule.
    pub(super) place: Option<usize>,
    pub(super) target: Option<Target>,
    pub(super) price: Option<Money>,
    pub(super) also: Vec<Target>,
    pub(super) counted: Vec<Counted>,
    pub(super) seats: Vec<Seated>,
    pub(super) passed: Vec<Passed>,
}

struct Pick<'r, S> {
    choices: &'r Choices,
    request: &'r RoutingRequest,
    declined: &'r [Declined],
    state: S,
    counted: Vec<Counted>,
    seats: Vec<Seated>,
    passed: Vec<Passed>,
}

impl<'r, S: State> Pick<'r, S> {
    /// Whom a rule gives it to, and who gets it too; `None` where it has nobody for it.
    fn of_rule<'s>(&mut self, rule: &'s Rule) -> Result<Option<(&'s Share, Vec<Target>)>, S::Error> {
        if !self.has_room(rule, None, &rule.caps, &rule_key(rule))? {
            return Ok(None);
        }
        let mut able = Vec::with_capacity(rule.to.len());
        for share in &rule.to {
            if self.is_able(rule, share)? {
                able.push(share);
            }
        }
        if able.is_empty() {
            return Ok(None);
        }
        let owner = self.request.owner.as_deref().filter(|_| rule.sticky);
        let of_owner = |owner: &str| able.iter().position(|share| share.target.name() == owner);
        let chosen = match owner.and_then(of_owner) {
            Some(owner) => {
                self.pass_others(rule, &able, owner, |_| Why::Owned);
                owner
            }
            None => self.choose(rule, &able)?,
        };
        let all = rule.strategy == Strategy::Broadcast;
        let gets = |n: usize| all || n == chosen;
        let also = able.iter().enumerate().filter(|(n, _)| gets(*n) && *n != chosen);
        let also: Vec<Target> = also.map(|(_, share)| share.target.clone()).collect();
        let choices = self.choices;
        self.count(&rule.caps, &rule_key(rule))?;
        for share in able.iter().enumerate().filter(|(n, _)| gets(*n)).map(|(_, share)| share) {
            self.count(choices.caps_of(&share.target), &target_key(&share.target))?;
            if choices.loads.contains(&share.target) {
                let key = load_key(&share.target);
                self.add(key, DateTime::UNIX_EPOCH, 1, Freed::Ended)?;
            }
        }
        let chosen = able[chosen];
        if rule.strategy == Strategy::Fair {
            let window = rule.ledger.window(self.request.at);
            self.add(level_key(rule, &chosen.target), window, 1, Freed::Missed)?;
        }
        Ok(Some((chosen, also)))
    }

    fn is_able(&mut self, rule: &Rule, share: &Share) -> Result<bool, S::Error> {
        let choices = self.choices;
        let declined = self.declined.iter().find(|declined| declined.target == share.target);
        let why = match (declined, choices.settings.get(&share.target)) {
            (Some(declined), _) => Some(Why::Declined { reason: declined.reason.clone() }),
            (None, Some(settings)) if !settings.active => Some(Why::Inactive),
            (None, Some(settings)) => {
                Away::until(&settings.away, self.request).map(|until| Why::Away { until })
            }
            (None, None) => None,
        };
        if why.is_none()
            && let Some(why) = self.is_busy(rule, &share.target)?
        {
            self.pass(rule, Some(&share.target), why);
            return Ok(false);
        }
        if let Some(why) = why {
            let is_declined = matches!(why, Why::Declined { .. });
            self.pass(rule, Some(&share.target), why);
            if rule.strategy == Strategy::Fair && !is_declined {
                self.leave(rule, &share.target)?;
            }
            return Ok(false);
        }
        self.has_room(rule, Some(&share.target), choices.caps_of(&share.target), &target_key(&share.target))
    }

    /// What their calendar says against it. Who has none gets nothing by load, nor by a rule that asks for owners.
    fn is_busy(&mut self, rule: &Rule, target: &Target) -> Result<Option<Why>, S::Error> {
        Ok(match self.seat(target)? {
            None | Some(Seat::Free) => None,
            Some(Seat::Taken) => Some(Why::Taken),
            Some(Seat::Closed) => Some(Why::Closed),
            Some(Seat::Missing) => {
                let goes_by_people = rule.sticky || rule.strategy == Strategy::LeastLoaded;
                goes_by_people.then_some(Why::NoCalendar)
            }
        })
    }

    /// The same for everyone who asks while one decision is made.
    fn seat(&mut self, target: &Target) -> Result<Option<Seat>, S::Error> {
        if let Some(known) = self.seats.iter().find(|it| it.target == *target) {
            return Ok(Some(known.seat));
        }
        let seat = self.state.seat(target)?;
        self.seats.extend(seat.map(|seat| Seated { target: target.clone(), seat }));
        Ok(seat)
    }

    fn choose(&mut self, rule: &Rule, able: &[&Share]) -> Result<usize, S::Error> {
        Ok(match rule.strategy {
            Strategy::Broadcast => 0,
            Strategy::First => {
                self.pass_others(rule, able, 0, |_| Why::Later);
                0
            }
            Strategy::Percentage => {
                let chosen = self.by_number(rule, able);
                self.pass_others(rule, able, chosen, |_| Why::Share);
                chosen
            }
            Strategy::Rotate => self.by_turn(rule, able)?,
            Strategy::Fair => self.by_level(rule, able)?,
            Strategy::Price => {
                let price = |n: usize| able[n].price.map_or(0, |price| price.minor());
                let chosen = (1..able.len()).fold(0, |most, n| if price(n) > price(most) { n } else { most });
                let why = |n: usize| able[n].price.map_or(Why::Later, |price| Why::Outbid { price });
                self.pass_others(rule, able, chosen, why);
                chosen
            }
            Strategy::LeastLoaded => {
                let mut open = Vec::with_capacity(able.len());
                for share in able {
                    open.push(self.used(&load_key(&share.target), DateTime::UNIX_EPOCH)?);
                }
                let chosen = least(able, &open, |_| true).unwrap_or(0);
                self.pass_others(rule, able, chosen, |n| Why::Busier { open: open[n] });
                chosen
            }
        })
    }

    /// The target that the next turn of the rule's round belongs to, of those that are able: the turns of others are left out.
    fn by_turn(&mut self, rule: &Rule, able: &[&Share]) -> Result<usize, S::Error> {
        let choices = self.choices;
        let round = choices.rounds.get(&rule.name).map_or(&[][..], |round| round);
        let key = turn_key(rule);
        let turn = self.used(&key, DateTime::UNIX_EPOCH)?;
        let first = turn.rem_euclid(round.len().max(1) as i64) as usize;
        let turns = round.iter().cycle().skip(first).take(round.len());
        let mut served = turns.map(|n| &rule.to[usize::from(*n)].target).enumerate();
        // Everyone who is able has a turn in a round.
        let found = served.find_map(|(skipped, target)| {
            Some((skipped as i64, able.iter().position(|share| share.target == *target)?))
        });
        let (skipped, chosen) = found.unwrap_or((0, 0));
        self.pass_others(rule, able, chosen, |_| Why::Turn { turn });
        self.add(key, DateTime::UNIX_EPOCH, skipped + 1, Freed::Never)?;
        Ok(chosen)
    }

    /// The target whose level is lowest for its part. Those who have none yet begin at the lowest of the others.
    ///
    /// A level is what the target got, and where it began. That is kept twice as great, and odd as long as the target takes part.
    fn by_level(&mut self, rule: &Rule, able: &[&Share]) -> Result<usize, S::Error> {
        let window = rule.ledger.window(self.request.at);
        let mut begun = Vec::with_capacity(rule.to.len());
        let mut levels = Vec::with_capacity(rule.to.len());
        for share in &rule.to {
            let base = self.come_to(&base_key(rule, &share.target), window)?;
            let got = self.used(&level_key(rule, &share.target), window)?;
            begun.push(base % 2 == 1);
            levels.push(got + base / 2);
        }
        let lowest = least(&rule.to, &levels, |n| begun[n]);
        let lowest = lowest.map(|n| (i128::from(levels[n]), i128::from(rule.to[n].weight)));
        let is_able: Vec<bool> =
            rule.to.iter().map(|share| able.iter().any(|it| it.target == share.target)).collect();
        for n in (0..rule.to.len()).filter(|n| is_able[*n] && !begun[*n]) {
            let before = levels[n];
            // Whatever parts there are: it is less than ten thousand times what one target got.
            let as_others = lowest.map_or(0, |(level, part)| level * i128::from(rule.to[n].weight) / part);
            levels[n] = before.max(i64::try_from(as_others).unwrap_or(before));
            self.add(base_key(rule, &rule.to[n].target), window, 2 * (levels[n] - before) + 1, Freed::Never)?;
        }
        let levels: Vec<i64> = (0..levels.len()).filter(|n| is_able[*n]).map(|n| levels[n]).collect();
        let chosen = least(able, &levels, |_| true).unwrap_or(0);
        self.pass_others(rule, able, chosen, |n| Why::Ahead { level: levels[n] });
        Ok(chosen)
    }

    /// A target that takes no part for now: when it is back, it begins at the lowest of the others.
    fn leave(&mut self, rule: &Rule, target: &Target) -> Result<(), S::Error> {
        let (key, window) = (base_key(rule, target), rule.ledger.window(self.request.at));
        if self.used(&key, window)? % 2 == 1 {
            self.add(key, window, -1, Freed::Never)?;
        }
        Ok(())
    }

    /// By a number from the lead's id, the same for the same lead and rule.
    fn by_number(&self, rule: &Rule, able: &[&Share]) -> usize {
        let lead = self.request.lead.map(|lead| lead.to_string()).unwrap_or_default();
        let digest = Fingerprint::of_bytes(format!("{}/{lead}", rule.name).as_bytes());
        let number = digest.as_bytes()[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let sum: u64 = able.iter().map(|share| u64::from(share.weight)).sum();
        let mut left = number % sum.max(1);
        able.iter()
            .position(|share| match left.checked_sub(share.weight.into()) {
                Some(rest) => {
                    left = rest;
                    false
                }
                None => true,
            })
            .unwrap_or(0)
    }

    /// Whether every cap leaves room for one more. Where one does not, it is noted.
    fn has_room(
        &mut self,
        rule: &Rule,
        target: Option<&Target>,
        caps: &[Cap],
        of: &str,
    ) -> Result<bool, S::Error> {
        let (choices, request) = (self.choices, self.request);
        for (cap, key, window) in choices.counting(caps, of, request) {
            let used = self.used(&key, window)?;
            let after = cap.takes(request.value).and_then(|n| used.checked_add(n));
            if after.is_none_or(|after| after > cap.most()) {
                self.pass(rule, target, Why::Full { cap: cap.to_string(), used });
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn count(&mut self, caps: &[Cap], of: &str) -> Result<(), S::Error> {
        let (choices, request) = (self.choices, self.request);
        for (cap, key, window) in choices.counting(caps, of, request) {
            let freed = if cap.keeps_cancelled { Freed::Passed } else { Freed::Cancelled };
            let n = cap.takes(request.value).unwrap_or(0);
            self.add(key.clone(), window, n, freed)?;
            let counted = self.counted.iter_mut().find(|it| it.key == key && it.window == window);
            counted.into_iter().for_each(|it| it.returned = cap.frees_returned && n != 0);
        }
        Ok(())
    }

    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, S::Error> {
        if let Some(known) = self.counted.iter().find(|it| it.key == key && it.window == window) {
            return Ok(known.used);
        }
        let used = self.state.used(key, window)?;
        self.counted.push(Counted {
            key: key.to_owned(),
            window,
            used,
            n: 0,
            freed: Freed::Never,
            returned: false,
        });
        Ok(used)
    }

    /// What it will have come to by what was added.
    fn come_to(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, S::Error> {
        let used = self.used(key, window)?;
        let added = self.counted.iter().find(|it| it.key == key && it.window == window);
        Ok(used + added.map_or(0, |it| it.n))
    }

    fn add(&mut self, key: String, window: DateTime<Utc>, n: i64, freed: Freed) -> Result<(), S::Error> {
        self.used(&key, window)?;
        if let Some(it) = self.counted.iter_mut().find(|it| it.key == key && it.window == window) {
            it.n += n;
            it.freed = freed;
        }
        Ok(())
    }

    fn pass(&mut self, rule: &Rule, target: Option<&Target>, why: Why) {
        self.passed.push(Passed { rule: rule.name.clone(), target: target.cloned(), why });
    }

    fn pass_others(&mut self, rule: &Rule, able: &[&Share], chosen: usize, why: impl Fn(usize) -> Why) {
        for (n, share) in able.iter().enumerate().filter(|(n, _)| *n != chosen) {
            self.pass(rule, Some(&share.target), why(n));
        }
    }
}

fn rule_key(rule: &Rule) -> String {
    format!("rule/{}", short(&rule.name))
}

fn target_key(target: &Target) -> String {
    format!("{}/{}", target.kind(), short(target.name()))
}

fn cap_key(of: &str, cap: &Cap) -> String {
    format!("route.cap/{of}/{}", cap.key())
}

fn load_key(target: &Target) -> String {
    format!("route.load/{}", target_key(target))
}

fn level_key(rule: &Rule, target: &Target) -> String {
    format!("route.level/{}/{}", rule_key(rule), target_key(target))
}

fn base_key(rule: &Rule, target: &Target) -> String {
    format!("route.base/{}/{}", rule_key(rule), target_key(target))
}

/// Whose count is least for its part, of those that are asked; of several the first.
fn least<S: std::borrow::Borrow<Share>>(
    shares: &[S],
    counts: &[i64],
    is_asked: impl Fn(usize) -> bool,
) -> Option<usize> {
    let part = |n: usize| i128::from(shares[n].borrow().weight);
    let is_less =
        |n: usize, than: usize| i128::from(counts[n]) * part(than) < i128::from(counts[than]) * part(n);
    (0..shares.len()).filter(|n| is_asked(*n)).reduce(|least, n| if is_less(n, least) { n } else { least })
}

/// Rounds of other targets or other parts are other rounds.
fn turn_key(rule: &Rule) -> String {
    let shares = rule.to.iter().map(|share| format!("{}:{}", target_key(&share.target), share.weight));
    let shares = Fingerprint::of_bytes(shares.collect::<Vec<_>>().join("\n").as_bytes()).to_hex();
    format!("route.turn/{}/{}", rule_key(rule), &shares[..16])
}

/// How many rules that match are looked at: where all of these have nobody, nobody gets it.
pub const MATCHING_MAX: usize = 64;
/// How many of those who do not get something a decision names.
pub const PASSED_SHOWN: usize = 64;

mod state;
#[cfg(test)]
mod tests;
