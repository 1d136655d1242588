/// A line of the mission document that says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The line as it is written, without the blanks around it.
    pub text: &'static str,
    /// The cases of the topic `mission` that prove it, on every store.
    pub cases: &'static [&'static str],
    /// The test of the SQLite store that asks it in SQL, where the line is about the database itself.
    pub query: Option<&'static str>,
}

/// Whether a line of the document, without the blanks around it, says nothing by itself: a blank, a heading that is only the
/// name of what stands below it, a fence, how a diagram is drawn, the border of a box.
///
/// ```
/// use convio_conformance::mission::is_decoration;
/// assert!(is_decoration("+---------------------+") && is_decoration("%% Core Business Logic"));
/// assert!(!is_decoration("E --> F[Conversions]") && !is_decoration("## Something New"));
/// ```
pub fn is_decoration(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let drawn = match words[..] {
        ["graph", "TB"] | ["%%", ..] => true,
        ["classDef", _, fill] => fill.starts_with("fill:#"),
        // `class A,M external`: letters of the diagram, then their style.
        ["class", nodes, _] => nodes.split(',').all(|node| node.len() == 1),
        _ => false,
    };
    let border = line.chars().all(|c| matches!(c, '+' | '-' | '|' | ' '));
    let fence = matches!(line, "```" | "```mermaid" | "```sql");
    drawn || border || fence || HEADINGS.contains(&line)
}

const fn says(text: &'static str, cases: &'static [&'static str]) -> Line {
    Line { text, cases, query: None }
}

const fn asks(text: &'static str, cases: &'static [&'static str], query: &'static str) -> Line {
    Line { text, cases, query: Some(query) }
}

/// Headings that only name what stands below them. The numbered ones say what the system is, and have their cases.
const HEADINGS: &[&str] = &[
    "# Convio Leads Database - Simplified Diagram",
    "## Key Concepts for New Interns",
    "**ASCII Relationship Diagram:**",
    "## Most Important Tables to Know",
    "| Table | Purpose | Key Fields |",
    "## Common Queries You'll Write",
    "## Data Relationships",
];
/// Every line of the mission document that says something, in its order, with what proves it.
#[rustfmt::skip]
pub const LINES: &[Line] = &[
    says("This simplified version shows the core structure and main data flow for new team members.", &["the_core_structure_and_the_main_data_flow_hold"]),
    says("A[Third-Party<br/>Lead Sources] --> B[Webhook API]", &["lead_sources_reach_the_webhook_api"]),
    asks("B --> D[Contacts Table]", &["the_webhook_api_makes_contacts"], "every_table_of_the_diagram_can_be_asked"),
    asks("B --> C[Leads Table]", &["the_webhook_api_stores_leads"], "every_table_of_the_diagram_can_be_asked"),
    asks("D --> E[Appointments]", &["contacts_come_to_appointments"], "every_table_of_the_diagram_can_be_asked"),
    says("C --> E", &["leads_come_to_appointments"]),
    asks("E --> F[Conversions]", &["appointments_come_to_conversions"], "every_table_of_the_diagram_can_be_asked"),
    says("D --> C", &["contacts_have_their_leads"]),
    asks("G[Workspaces] --> C", &["workspaces_have_their_leads"], "every_table_of_the_diagram_can_be_asked"),
    says("G --> D", &["workspaces_have_their_contacts"]),
    says("G --> E", &["workspaces_have_their_appointments"]),
    says("G --> F", &["workspaces_have_their_conversions"]),
    asks("C --> H[Lead Analytics]", &["leads_feed_the_lead_analytics"], "every_table_of_the_diagram_can_be_asked"),
    asks("F --> I[Conversion Analytics]", &["conversions_feed_the_conversion_analytics"], "every_table_of_the_diagram_can_be_asked"),
    asks("C --> J[Lead Events]", &["leads_have_their_events"], "every_table_of_the_diagram_can_be_asked"),
    asks("E --> K[Appointment Events]", &["appointments_have_their_events"], "every_table_of_the_diagram_can_be_asked"),
    asks("F --> L[Conversion Events]", &["conversions_have_their_events"], "every_table_of_the_diagram_can_be_asked"),
    asks("M[Lead Source Providers] --> B", &["providers_send_through_the_webhook_api"], "every_table_of_the_diagram_can_be_asked"),
    asks("M --> N[Provider Usage Log]", &["providers_leave_a_usage_log"], "every_table_of_the_diagram_can_be_asked"),
    asks("O[Appointment Routing Rules] --> E", &["routing_rules_send_appointments_on"], "every_table_of_the_diagram_can_be_asked"),
    says("A -.->|Raw lead data| B", &["raw_lead_data_is_kept_as_it_was_sent"]),
    says("B -.->|Customer info| D", &["customer_info_goes_to_the_contact"]),
    says("B -.->|Lead details| C", &["lead_details_go_to_the_lead"]),
    says("D -.->|Contact details| E", &["contact_details_go_with_the_appointment"]),
    says("C -.->|Lead details| E", &["lead_details_go_with_the_appointment"]),
    says("D -.->|Multiple leads| C", &["a_contact_can_have_multiple_leads"]),
    says("E -.->|Appointment results| F", &["appointment_results_become_conversions"]),
    says("F -.->|Revenue tracking| I", &["revenue_is_tracked_from_conversions"]),
    says("### 1. **Contact-Centric Flow** (The Main Journey)", &["raw_lead_to_contact_to_leads_to_appointments_to_conversions"]),
    says("Raw Lead → Contacts Table → Multiple Leads → Appointments → Conversions", &["raw_lead_to_contact_to_leads_to_appointments_to_conversions"]),
    says("CONTACTS (Primary - People)", &["contacts_are_the_primary_customer_entities"]),
    says("| ID: 123456          |", &["john_has_the_id_of_the_document"]),
    says("| Name: John Doe      |", &["john_is_named_john_doe"]),
    says("| Phone: +15551234567 |", &["john_has_the_phone_of_the_document"]),
    says("| Email: john@email.com|", &["john_has_the_email_of_the_document"]),
    says("| 1:N (can have many)", &["a_contact_can_have_multiple_leads"]),
    says("|      LEADS          |", &["leads_are_campaign_specific_records"]),
    says("| Solar Campaign      |  ← Lead 1", &["the_solar_campaign_is_lead_1"]),
    says("| HVAC Campaign       |  ← Lead 2", &["the_hvac_campaign_is_lead_2"]),
    says("| Insurance Campaign  |  ← Lead 3", &["the_insurance_campaign_is_lead_3"]),
    says("| 1:N (can have many)", &["a_lead_can_have_many_appointments"]),
    says("|   APPOINTMENTS      |", &["appointments_are_consultations_and_meetings"]),
    says("| Solar Consultation  |  ← Appt 1", &["the_solar_consultation_is_appointment_1"]),
    says("| HVAC Estimate       |  ← Appt 2", &["the_hvac_estimate_is_appointment_2"]),
    says("| N:1 (lead to conversion)", &["several_appointments_lead_to_one_conversion"]),
    says("|   CONVERSIONS       |", &["conversions_are_successful_sales_and_revenue"]),
    says("| Solar Sale - $5000  |  ← Conversion 1", &["the_solar_sale_of_5000_dollars_is_conversion_1"]),
    says("**Contacts Table**: Primary customer entities", &["contacts_are_the_primary_customer_entities"]),
    says("- Contains normalized customer information (name, phone, email, address)", &["contacts_contain_normalized_customer_information"]),
    says("- Uses 6-digit custom IDs for unique identification", &["contacts_use_six_digit_ids"]),
    says("- One contact per unique phone number per webhook", &["one_contact_per_unique_phone_number_per_webhook"]),
    says("- Can have multiple leads (different campaigns, products, etc.)", &["a_contact_can_have_multiple_leads"]),
    says("**Leads Table**: Campaign-specific lead records", &["leads_are_campaign_specific_records"]),
    says("- Each lead represents a specific customer interest/campaign", &["each_lead_is_one_specific_interest"]),
    says("- Links back to the contact (the actual person)", &["leads_link_back_to_the_contact"]),
    says("- Contains campaign details, UTM parameters, industry-specific fields", &["leads_contain_campaign_utm_and_industry_fields"]),
    says("- Multiple leads can belong to the same contact", &["multiple_leads_belong_to_the_same_contact"]),
    says("**Appointments**: Customer consultations and meetings", &["appointments_are_consultations_and_meetings"]),
    says("- Links to both contacts and specific leads", &["appointments_link_to_contacts_and_leads"]),
    says("- Tracks scheduling, status, location, assigned staff", &["appointments_track_schedule_status_location_and_staff"]),
    says("- Records outcomes and next steps", &["appointments_record_outcomes_and_next_steps"]),
    says("**Conversions**: Successful sales and revenue", &["conversions_are_successful_sales_and_revenue"]),
    says("- Tracks when contacts become paying customers", &["conversions_track_when_contacts_become_customers"]),
    says("- Links back to the originating contact and lead", &["conversions_link_back_to_contact_and_lead"]),
    says("- Records conversion value, type, and metadata", &["conversions_record_value_type_and_metadata"]),
    says("### 2. **Workspace System** (Multi-Tenant)", &["clients_use_the_same_system_safely"]),
    says("- Each client gets their own workspace", &["each_client_has_a_workspace_of_its_own"]),
    says("- Workspaces have separate API keys and permissions", &["workspaces_have_separate_keys_and_permissions"]),
    says("- All leads, contacts, and conversions belong to a workspace", &["leads_contacts_and_conversions_belong_to_a_workspace"]),
    says("- Allows multiple clients to use the same system safely", &["clients_use_the_same_system_safely", "an_inactive_client_is_refused_while_others_go_on"]),
    says("### 3. **Event Tracking** (Audit Trail)", &["every_major_action_creates_an_event_record"]),
    asks(r#"Every major table has an associated "events" table:"#, &["every_major_table_has_its_events"], "every_table_of_the_diagram_can_be_asked"),
    says("- **Lead Events**: Every time a lead status changes", &["every_change_of_a_lead_status_is_a_lead_event"]),
    says("- **Appointment Events**: Every appointment update", &["every_update_of_an_appointment_is_an_appointment_event"]),
    says("- **Conversion Events**: Every conversion step", &["every_step_of_a_conversion_is_a_conversion_event"]),
    says("This creates a complete history of everything that happens.", &["events_are_a_complete_history_of_everything"]),
    says("### 4. **Provider Management**", &["providers_are_companies_that_send_leads_via_api"]),
    says("- **Lead Source Providers**: Companies that send leads via API", &["providers_are_companies_that_send_leads_via_api"]),
    says("- Rate limiting and access control", &["providers_have_rate_limits_and_access_control"]),
    says("- Usage tracking to monitor provider activity", &["usage_tracks_what_providers_do"]),
    says("### 5. **Analytics System**", &["lead_analytics_are_daily_statistics_by_webhook", "conversion_analytics_are_revenue_and_performance"]),
    says("- **Lead Analytics**: Daily statistics by webhook", &["lead_analytics_are_daily_statistics_by_webhook"]),
    says("- **Conversion Analytics**: Revenue and performance metrics", &["conversion_analytics_are_revenue_and_performance"]),
    says("- Cached data for fast reporting", &["reports_come_from_sums_that_are_kept"]),
    asks("| **contacts** | Primary customer entities | phone, first_name, last_name, email |", &["contacts_show_their_key_fields"], "every_key_field_can_be_selected"),
    asks("| **leads** | Campaign-specific lead records | source, lead_type, campaign_id, webhook_id |", &["leads_show_their_key_fields"], "every_key_field_can_be_selected"),
    asks("| **appointments** | Scheduled meetings | scheduled_at, status, assigned_to |", &["appointments_show_their_key_fields"], "every_key_field_can_be_selected"),
    asks("| **conversions** | Successful sales | conversion_value, converted_at, type |", &["conversions_show_their_key_fields"], "every_key_field_can_be_selected"),
    asks("| **workspaces** | Client separation | name, api_key, permissions |", &["workspaces_separate_clients_by_name_key_and_permissions"], "every_key_field_can_be_selected"),
    asks("1. **Find all contacts created today:**", &["contacts_created_today_are_one_call"], "query_1_contacts_created_today"),
    asks("SELECT * FROM contacts WHERE DATE(created_at) = DATE('now');", &["contacts_created_today_are_one_call"], "query_1_contacts_created_today"),
    asks("2. **Get appointments for next week:**", &["appointments_of_the_next_week_are_one_call"], "query_2_appointments_of_the_next_week"),
    asks("SELECT * FROM appointments WHERE scheduled_at BETWEEN date('now') AND date('now', '+7 days');", &["appointments_of_the_next_week_are_one_call"], "query_2_appointments_of_the_next_week"),
    asks("3. **Find all leads for a specific contact:**", &["leads_of_a_phone_are_one_call"], "query_3_leads_of_a_contact"),
    asks("SELECT l.* FROM leads l", &["leads_of_a_phone_are_one_call"], "query_3_leads_of_a_contact"),
    asks("JOIN contacts c ON l.contact_id = c.id", &["leads_of_a_phone_are_one_call"], "query_3_leads_of_a_contact"),
    asks("WHERE c.phone = '+15551234567';", &["leads_of_a_phone_are_one_call"], "query_3_leads_of_a_contact"),
    asks("4. **Find conversion rates by lead source:**", &["conversion_rates_by_source_are_one_call"], "query_4_conversion_rates_by_source"),
    asks("SELECT source, COUNT(*) as leads, SUM(CASE WHEN conversion_id IS NOT NULL THEN 1 ELSE 0 END) as converted", &["conversion_rates_by_source_are_one_call"], "query_4_conversion_rates_by_source"),
    asks("FROM leads GROUP BY source;", &["conversion_rates_by_source_are_one_call"], "query_4_conversion_rates_by_source"),
    asks("5. **Get workspace statistics:**", &["workspace_statistics_are_one_call"], "query_5_workspace_statistics"),
    asks("SELECT name, total_conversions, total_revenue FROM workspaces;", &["workspace_statistics_are_one_call"], "query_5_workspace_statistics"),
    asks("6. **Find contacts with multiple leads:**", &["contacts_with_several_leads_are_one_call"], "query_6_contacts_with_several_leads"),
    asks("SELECT c.phone, c.first_name, c.last_name, COUNT(l.id) as lead_count", &["contacts_with_several_leads_are_one_call"], "query_6_contacts_with_several_leads"),
    asks("FROM contacts c", &["contacts_with_several_leads_are_one_call"], "query_6_contacts_with_several_leads"),
    asks("JOIN leads l ON c.id = l.contact_id", &["contacts_with_several_leads_are_one_call"], "query_6_contacts_with_several_leads"),
    asks("GROUP BY c.id, c.phone, c.first_name, c.last_name", &["contacts_with_several_leads_are_one_call"], "query_6_contacts_with_several_leads"),
    asks("HAVING COUNT(l.id) > 1;", &["contacts_with_several_leads_are_one_call"], "query_6_contacts_with_several_leads"),
    says("- **One contact** can have **many leads** (same person, different campaigns/products)", &["a_contact_can_have_multiple_leads"]),
    says("- **One lead** can have **many appointments** (multiple consultations for same campaign)", &["a_lead_can_have_many_appointments"]),
    says("- **One contact** can have **many appointments** (across different leads)", &["a_contact_can_have_many_appointments_across_leads"]),
    says("- **One workspace** contains **many contacts, leads, appointments**", &["one_workspace_contains_many_contacts_leads_and_appointments"]),
    says("- **Every conversion** links back to a **contact** and **lead**", &["conversions_link_back_to_contact_and_lead"]),
    says("- **Every major action** creates an **event record** for audit trails", &["every_major_action_creates_an_event_record"]),
    says("This contact-centric system tracks the complete customer journey from initial contact through multiple campaign interests to final conversion, with full audit trails and multi-tenant support.", &["the_complete_customer_journey_is_tracked"]),
];
