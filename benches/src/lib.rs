//! Workloads beside their floors.
