//! Routing rules and requests, always the same ones: territories as businesses have them, over codes that look like those of
//! the United States.

use convio_core::routing::{RoutingRequest, Rule, Target};
use convio_core::{PostalCode, Product, State};
use serde_json::{Value, json};

use crate::Result;
use crate::leads::mixed;

/// A rule as it is drawn, before anyone reads it.
#[derive(Debug, Clone)]
pub struct Drawn {
    name: String,
    team: String,
    /// None: any.
    products: Vec<&'static str>,
    territory: Territory,
    priority: i32,
}

#[derive(Debug, Clone)]
enum Territory {
    Codes(Vec<String>),
    Prefixes(Vec<String>),
    Range(String, String),
    States(Vec<&'static str>),
    Everywhere,
}

/// A country: its codes, and what is drawn from them.
#[derive(Debug)]
pub struct Country {
    codes: Vec<u32>,
}

/// Numbers in no order, always the same ones.
struct Draws(u64);

impl Draws {
    /// One less than this.
    fn below(&mut self, bound: usize) -> usize {
        self.0 += 1;
        (mixed(self.0) % bound as u64) as usize
    }

    /// So many different ones of these, from one on.
    fn some(&mut self, of: &[&'static str], count: usize) -> Vec<&'static str> {
        let first = self.below(of.len());
        let step = 1 + self.below(of.len() / count - 1);
        (0..count).map(|n| of[(first + n * step) % of.len()]).collect()
    }
}

impl Default for Country {
    fn default() -> Self {
        // Two of five numbers are in use, as they are there.
        Self { codes: (501..=99_950).filter(|code| mixed(u64::from(*code)) % 5 < 2).collect() }
    }
}

impl Country {
    /// So many rules: 44 % ask for 20 codes that follow each other, 26 % for one or two beginnings of three digits, 12 % for a range,
    /// 16 % for up to three states. The last 2 % take what the others leave, and are tried after them, in whichever order they
    /// are given. Half of all ask for one of eight products, 35 % for two or three.
    pub fn rules(&self, count: usize) -> Vec<Drawn> {
        (0..count).map(|n| self.rule(n)).collect()
    }

    fn rule(&self, n: usize) -> Drawn {
        let mut draws = Draws((n as u64) << 16);
        let products = match draws.below(100) {
            0..50 => 1,
            50..68 => 2,
            68..85 => 3,
            _ => 0,
        };
        let products = if products == 0 { Vec::new() } else { draws.some(&PRODUCTS, products) };
        let first = draws.below(self.codes.len() - RUN);
        let code = self.codes[first];
        let territory = match draws.below(100) {
            0..44 => {
                Territory::Codes(self.codes[first..first + RUN].iter().map(|code| text(*code)).collect())
            }
            44..70 => {
                let other = self.codes[draws.below(self.codes.len())];
                let codes = [code, other].into_iter().take(1 + draws.below(2));
                Territory::Prefixes(codes.map(|code| text(code)[..3].to_owned()).collect())
            }
            70..82 => {
                let last = code + 9 + draws.below(491) as u32;
                Territory::Range(text(code), text(last.min(99_999)))
            }
            82..98 => {
                let count = 1 + draws.below(3);
                Territory::States(draws.some(&STATES, count))
            }
            _ => Territory::Everywhere,
        };
        let is_last = matches!(territory, Territory::Everywhere);
        let priority = if is_last { LAST } else { 1 + draws.below(10) as i32 };
        Drawn { name: format!("r{n:05}"), team: format!("team {}", n % 100), products, territory, priority }
    }

    /// So many requests, each with product, code and state.
    pub fn requests(&self, count: usize) -> Result<Vec<RoutingRequest>> {
        let parts = Parts::new()?;
        let mut draws = Draws(1 << 60);
        (0..count)
            .map(|_| parts.request(draws.below(PRODUCTS.len()), self.codes[draws.below(self.codes.len())]))
            .collect()
    }

    /// So many different pairs of product and code.
    pub fn keys(&self, count: usize) -> Vec<(String, String)> {
        (0..count)
            .map(|n| self.key(n))
            .map(|(product, code)| (PRODUCTS[product].to_owned(), text(code)))
            .collect()
    }

    /// So many requests for the pairs of [`Country::keys`], in no order.
    pub fn requests_of_keys(&self, count: usize, keys: usize) -> Result<Vec<RoutingRequest>> {
        let parts = Parts::new()?;
        let mut draws = Draws(1 << 61);
        (0..count)
            .map(|_| {
                let (product, code) = self.key(draws.below(keys));
                parts.request(product, code)
            })
            .collect()
    }

    fn key(&self, n: usize) -> (usize, u32) {
        let pairs = PRODUCTS.len() * self.codes.len();
        // A prime that is greater than their number: each is met once before the first comes again.
        let at = n * 2_654_435_761 % pairs;
        (at % PRODUCTS.len(), self.codes[at / PRODUCTS.len()])
    }
}

/// Names that requests share, as those of a process do that has seen them before.
struct Parts {
    products: Vec<Product>,
    states: Vec<State>,
}

impl Parts {
    fn new() -> Result<Self> {
        Ok(Self {
            products: PRODUCTS.into_iter().map(Product::new).collect::<Result<_, _>>()?,
            states: STATES.into_iter().map(State::new).collect::<Result<_, _>>()?,
        })
    }

    fn request(&self, product: usize, code: u32) -> Result<RoutingRequest> {
        // States are next to each other, as they are there.
        let state = code as usize * STATES.len() / 100_000;
        Ok(RoutingRequest {
            product: Some(self.products[product].clone()),
            postal_code: Some(PostalCode::parse(&text(code))?),
            state: Some(self.states[state].clone()),
            ..RoutingRequest::default()
        })
    }
}

impl Drawn {
    /// As Convio has it.
    pub fn rule(&self) -> Rule {
        let rule = Rule::to(Target::team(&self.team)).named(&self.name).priority(self.priority);
        let rule = match self.products.as_slice() {
            [] => rule.any_product(),
            products => rule.products(products),
        };
        match &self.territory {
            Territory::Codes(codes) => rule.zips(codes),
            Territory::Prefixes(prefixes) => rule.zips(prefixes.iter().map(|prefix| format!("{prefix}*"))),
            Territory::Range(first, last) => rule.zips([format!("{first}..{last}")]),
            Territory::States(states) => rule.states(states),
            Territory::Everywhere => rule.any_zip(),
        }
    }

    /// As a row of a decision table of zen-engine: an empty cell asks for nothing.
    fn row(&self) -> Value {
        let one_of = |names: Vec<String>| names.join(", ");
        let quoted = |name: &str| format!("\"{name}\"");
        let [mut zip, mut number, mut state] = [const { String::new() }; 3];
        match &self.territory {
            Territory::Codes(codes) => zip = one_of(codes.iter().map(|code| quoted(code)).collect()),
            Territory::Prefixes(prefixes) => {
                let tests: Vec<String> =
                    prefixes.iter().map(|it| format!("startsWith($, \"{it}\")")).collect();
                zip = tests.join(" or ");
            }
            Territory::Range(first, last) => {
                let plain = |code: &str| code.trim_start_matches('0').to_owned();
                number = format!("[{}..{}]", plain(first), plain(last));
            }
            Territory::States(states) => state = one_of(states.iter().map(|name| quoted(name)).collect()),
            Territory::Everywhere => {}
        }
        let product = one_of(self.products.iter().map(|name| quoted(name)).collect());
        json!({ "_id": self.name, "product": product, "zip": zip, "number": number, "state": state, "rule": quoted(&self.name) })
    }
}

/// The rules as a decision of zen-engine: one table, in which the first row that matches answers.
pub fn zen_decision(rules: &[Drawn]) -> Value {
    let mut ranked: Vec<&Drawn> = rules.iter().collect();
    ranked.sort_by_key(|rule| rule.priority); // a stable sort
    let column =
        |id: &str, field: &str| json!({ "id": id, "name": id, "field": field, "type": "expression" });
    let inputs = [("product", "product"), ("zip", "zip"), ("number", "number(zip)"), ("state", "state")];
    let table = json!({
        "hitPolicy": "first",
        "inputs": inputs.map(|(id, field)| column(id, field)),
        "outputs": [column("rule", "rule")],
        "rules": ranked.iter().map(|rule| rule.row()).collect::<Vec<_>>(),
    });
    let node = |id: &str, kind: &str, content: Value| json!({ "id": id, "name": id, "type": kind, "content": content, "position": { "x": 0, "y": 0 } });
    let edge = |id: &str, from: &str, to: &str| json!({ "id": id, "sourceId": from, "targetId": to });
    json!({
        "nodes": [
            node("in", "inputNode", json!({})),
            node("table", "decisionTableNode", table),
            node("out", "outputNode", json!({})),
        ],
        "edges": [edge("to table", "in", "table"), edge("to out", "table", "out")],
    })
}

/// A request as zen-engine is given it.
pub fn zen_request(request: &RoutingRequest) -> Value {
    json!({
        "product": request.product.as_ref().map(Product::key),
        "zip": request.postal_code.as_ref().map(PostalCode::as_str),
        "state": request.state.as_ref().map(|state| state.as_str()),
    })
}

fn text(code: u32) -> String {
    format!("{code:05}")
}

const PRODUCTS: [&str; 8] = ["bath", "gutters", "hvac", "kitchen", "roofing", "siding", "solar", "windows"];
#[rustfmt::skip]
const STATES: [&str; 50] = [
    "MA", "RI", "NH", "ME", "VT", "CT", "NJ", "NY", "PA", "DE", "MD", "VA", "WV", "NC", "SC", "GA", "FL",
    "AL", "TN", "MS", "KY", "OH", "IN", "MI", "IA", "WI", "MN", "SD", "ND", "MT", "IL", "MO", "KS", "NE",
    "LA", "AR", "OK", "TX", "CO", "WY", "ID", "UT", "AZ", "NM", "NV", "CA", "HI", "OR", "WA", "AK",
];
/// Codes of a rule that asks for codes.
const RUN: usize = 20;
/// The priority of rules that take what is left.
const LAST: i32 = 100;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use convio_core::routing::{AnyOf, RuleSet, RuleTable, Zips};

    use super::*;

    #[test]
    fn rules_ask_for_what_was_said() {
        let drawn = Country::default().rules(10_000);
        let share = |of: fn(&Drawn) -> bool| drawn.iter().filter(|rule| of(rule)).count() / 100;
        let shares = [
            share(|rule| matches!(&rule.territory, Territory::Codes(codes) if codes.len() == 20)),
            share(|rule| matches!(&rule.territory, Territory::Prefixes(_))),
            share(|rule| matches!(&rule.territory, Territory::Range(first, last) if first < last)),
            share(|rule| matches!(&rule.territory, Territory::States(_))),
            share(|rule| rule.priority == LAST),
            share(|rule| rule.products.is_empty()),
        ];
        let said = [44_usize, 26, 12, 16, 2, 15];
        assert!(shares.iter().zip(said).all(|(share, said)| share.abs_diff(said) <= 1), "{shares:?}");
        let rules: Vec<Rule> = drawn.iter().map(Drawn::rule).collect();
        let count = |set: &AnyOf| if let AnyOf::Of(set) = set { set.iter().len() } else { 0 };
        for (drawn, rule) in drawn.iter().zip(&rules) {
            assert_eq!(count(&rule.products), drawn.products.len());
            assert_eq!(matches!(rule.zips, Zips::Any), count(&rule.states) > 0 || rule.priority == LAST);
        }
        RuleSet::publish(1, rules).unwrap();
    }

    #[test]
    fn requests_and_keys_are_of_the_same_country() {
        let country = Country::default();
        let table =
            RuleTable::new(RuleSet::publish(1, country.rules(3_000).iter().map(Drawn::rule)).unwrap());
        let requests = country.requests(300).unwrap();
        assert!(requests.iter().filter(|request| table.find(request).is_some()).count() > 250);
        let keys: HashSet<_> = country.keys(20_000).into_iter().collect();
        assert_eq!(keys.len(), 20_000);
        for request in country.requests_of_keys(300, 20_000).unwrap() {
            let zen = zen_request(&request);
            let text = |name: &str| zen[name].as_str().unwrap().to_owned();
            assert!(keys.contains(&(text("product"), text("zip"))) && text("state").len() == 2);
        }
    }

    #[test]
    fn a_table_of_zen_has_a_row_per_rule_in_the_order_in_which_they_are_tried() {
        let decision = zen_decision(&Country::default().rules(2_000));
        let rows = decision["nodes"][1]["content"]["rules"].as_array().unwrap();
        assert_eq!(rows.len(), 2_000);
        let asks_nothing = |row: &Value| ["zip", "number", "state"].iter().all(|cell| row[cell] == "");
        let first_last = rows.iter().position(asks_nothing).unwrap();
        assert!(rows[first_last..].iter().all(asks_nothing));
    }
}
