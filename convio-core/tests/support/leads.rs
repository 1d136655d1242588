//! Leads to be planned and committed without the service: all of people who are not known yet.

use convio_core::change_set::ChangeSet;
use convio_core::store::{Need, Needs, Store};
use convio_core::use_case::ingest::{self, IngestPlan};
use convio_core::use_case::{ConfigSnapshot, Context, CreateWebhook, CreateWorkspace, UseCase};
use convio_core::{
    Loaded, NewWebhook, NewWorkspace, Origin, RawLead, SequentialIds, WebhookSettings, WorkspaceId,
};
use convio_store_memory::MemoryStore;

/// A workspace with a webhook that reads numbers as those of the US.
pub(crate) struct Desk {
    pub(crate) store: MemoryStore,
    config: Option<ConfigSnapshot>,
    origin: Origin,
    ids: SequentialIds,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let id = WorkspaceId::from_uuid(uuid::Uuid::from_u128(1));
        let mut desk = Self {
            store: MemoryStore::new(),
            config: None,
            origin: Origin::default(),
            ids: SequentialIds::seeded(1),
        };
        desk.run(id, &CreateWorkspace { id, new: NewWorkspace::named("bench") });
        let region = |settings: &mut WebhookSettings| settings.region = "US".parse().ok();
        desk.run(id, &CreateWebhook { workspace: id, new: NewWebhook::named("web").with(region) });
        desk
    }

    /// The plan of a lead.
    pub(crate) fn plan(&self, raw: &RawLead) -> IngestPlan {
        let config = self.config.as_ref().expect("a configuration");
        ingest::plan(raw, config, &self.context()).expect("a plan")
    }

    /// Commits change sets, all of which are applied.
    pub(crate) fn commit(&self, batch: Vec<ChangeSet>) {
        let results = pollster::block_on(self.store.commit(batch));
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }

    fn run(&mut self, id: WorkspaceId, use_case: &impl UseCase) {
        let plan = use_case.plan(&Loaded::default(), &self.context()).expect("a plan");
        self.commit(vec![plan.changes]);
        let loaded = pollster::block_on(self.store.load(&Needs::of(id, [Need::Config])));
        let config = ConfigSnapshot::of(loaded.expect("an answer"), id);
        self.config = Some(config.expect("a configuration"));
    }

    fn context(&self) -> Context<'_> {
        let at = convio_core::chrono::DateTime::from_timestamp(1_780_000_000, 0).expect("a time");
        let (ids, origin, config) = (&self.ids, &self.origin, self.config.as_ref());
        Context { at, ids, origin, provider: None, config }
    }
}

/// How much a lead says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Every field of a usual form, in 1 kB of JSON.
    Full,
    /// Name, phone, postal code and product, in 140 bytes.
    Light,
}

impl Size {
    /// The `n`-th lead of this size.
    pub(crate) fn raw(self, n: u64) -> RawLead {
        RawLead::json(self.body(n)).webhook("web")
    }

    pub(crate) fn body(self, n: u64) -> Vec<u8> {
        let phone = phone(n);
        let (head, size) = match self {
            Self::Full => (
                format!(
                    r#"{{"firstName":"John","lastName":"Doe","phone":"{phone}","email":"john.doe{n}@example.com","street":"1 Main Street","city":"Springfield","state":"CA","zip":"90210","product":"Solar","campaign":"spring","utm_source":"google","roof":"tile","bill":180,"notes":""#
                ),
                1_000,
            ),
            Self::Light => (
                format!(
                    r#"{{"firstName":"John","lastName":"Doe","phone":"{phone}","zip":"90210","product":"Solar","notes":""#
                ),
                138,
            ),
        };
        let mut body = head.into_bytes();
        body.resize(size, b'x');
        body.extend(br#""}"#);
        body.shrink_to_fit();
        body
    }
}

/// The `n`-th phone number, as a form sends it.
pub(crate) fn phone(n: u64) -> String {
    format!("+1{:03}{:03}{:04}", 201 + n / 8_000_000 % 700, 200 + n / 10_000 % 800, n % 10_000)
}
