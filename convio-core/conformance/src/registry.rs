use crate::{Subject, cases};

/// One case: what a store must do, under a name that says it.
#[derive(Clone, Copy)]
pub struct Case {
    /// `topic::what_holds`.
    pub name: &'static str,
    body: fn(&dyn Subject),
}

impl Case {
    /// The case of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    /// Runs it on a subject that nothing else has used.
    ///
    /// # Panics
    /// When the store does not do what the case's name says.
    pub fn run(&self, subject: &dyn Subject) {
        let _held = subject.enter();
        (self.body)(subject);
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Runs the case of this name on a new subject: what each test of [`conformance!`](crate::conformance) does.
///
/// # Panics
/// When the store does not do what the case's name says.
pub fn run<S: Subject>(name: &str, make: impl FnOnce() -> S) {
    let case = Case::named(name).unwrap_or_else(|| panic!("there is no case `{name}`"));
    case.run(&make());
}

macro_rules! registry {
    ($d:tt $($topic:ident { $($case:ident)+ })+) => {
        /// All cases, by topic.
        pub const CASES: &[Case] = &[$($(
            Case {
                name: concat!(stringify!($topic), "::", stringify!($case)),
                body: |subject| pollster::block_on(cases::$topic::$case(subject)),
            },
        )+)+];

        /// Makes one `#[test]` of each case, in a module per topic. Its argument is an expression that is called for each
        /// test and makes a [`Subject`] over an empty store.
        #[macro_export]
        macro_rules! conformance {
            ($d make:expr) => {$(
                mod $topic {
                    #[allow(unused_imports)]
                    use super::*;
                    $(
                        #[test]
                        fn $case() {
                            $crate::run(concat!(stringify!($topic), "::", stringify!($case)), $d make);
                        }
                    )+
                }
            )+};
        }
    };
}

registry! { $
    workspaces {
        a_new_workspace_reads_back
        a_new_workspace_has_its_direct_webhook
        wrong_fields_are_all_named_and_nothing_is_stored
        an_unknown_workspace_is_not_found
        the_same_id_is_not_created_twice
        workspaces_of_one_name_are_two
    }
    webhooks {
        a_webhook_reads_back_as_created
        names_are_unique_also_among_the_deleted
        a_name_may_be_used_in_two_workspaces
        wrong_settings_are_all_named
        direct_is_never_deleted
        configured_settings_hold_from_the_next_lead_on
        a_deleted_webhook_refuses_leads_and_keeps_them
        a_restored_webhook_takes_leads
        an_inactive_webhook_refuses_leads_and_keeps_them
        deleting_and_restoring_twice_are_conflicts
        an_unknown_webhook_is_not_found
    }
    config {
        a_deletion_elsewhere_is_noticed_at_the_next_lead
        a_webhook_created_elsewhere_is_found
        settings_changed_elsewhere_hold_from_the_next_lead_on
        a_key_no_longer_required_elsewhere_is_not_asked_for
        a_release_knows_of_a_restore_elsewhere
        a_whole_batch_knows_of_a_restore_elsewhere
        leads_leave_the_configuration_version_alone
        every_change_of_a_webhook_raises_the_configuration_version
        a_stale_configuration_loses_the_gate_and_applies_nothing
    }
}
