use crate::Subject;
use crate::random::{checks, hold, match_the_model};

pub(crate) async fn operations_match_the_model(subject: &dyn Subject) {
    match_the_model(subject);
}

pub(crate) async fn a_key_means_one_contact(subject: &dyn Subject) {
    hold(subject, checks::invariant("one contact per key"));
}

pub(crate) async fn contacts_are_numbered_by_the_series(subject: &dyn Subject) {
    hold(subject, checks::invariant("numbers are the workspace's series"));
}

pub(crate) async fn what_was_acknowledged_stays_and_happened_once(subject: &dyn Subject) {
    hold(subject, checks::acknowledged);
}

pub(crate) async fn every_change_has_its_event_and_every_event_its_change(subject: &dyn Subject) {
    hold(subject, checks::invariant("no change without its event, no event without its change"));
}

pub(crate) async fn every_stream_is_numbered_without_a_gap(subject: &dyn Subject) {
    hold(subject, checks::invariant("every stream has no gap"));
}

pub(crate) async fn the_feed_has_no_gap(subject: &dyn Subject) {
    hold(subject, checks::invariant("the feed has no gap"));
}

pub(crate) async fn who_stands_by_sees_nothing(subject: &dyn Subject) {
    hold(subject, checks::bystander);
}

pub(crate) async fn routing_is_a_function_of_rules_and_request(subject: &dyn Subject) {
    hold(subject, checks::routing);
}

pub(crate) async fn rollups_equal_a_recount(subject: &dyn Subject) {
    hold(subject, checks::invariant("rollups equal a recount"));
}

pub(crate) async fn what_came_in_is_kept_with_every_reason(subject: &dyn Subject) {
    hold(subject, checks::kept);
}

pub(crate) async fn every_change_of_a_status_is_legal(subject: &dyn Subject) {
    hold(subject, checks::invariant("every change of a status is legal"));
}

pub(crate) async fn a_lead_is_where_what_happened_leads(subject: &dyn Subject) {
    hold(subject, checks::invariant("a lead is where what happened to it leads"));
}

pub(crate) async fn conversions_name_their_touches(subject: &dyn Subject) {
    hold(subject, checks::invariant("a conversion names its touches"));
}

pub(crate) async fn a_contact_is_what_its_leads_say_in_any_order(subject: &dyn Subject) {
    hold(subject, checks::invariant("a person is the merge of all offers in any order"));
}

pub(crate) async fn nothing_personal_is_shown(subject: &dyn Subject) {
    hold(subject, checks::private);
}

pub(crate) async fn pages_are_as_long_as_asked_for(subject: &dyn Subject) {
    hold(subject, checks::pages);
}
