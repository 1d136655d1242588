//! The model itself does what every store must do: synced, and in memory only.

use convio_conformance::model::{Model, Modelled};

mod synced {
    use super::*;

    convio_conformance::conformance!(|| Modelled::new(Model::synced()));
}

mod volatile {
    use super::*;

    convio_conformance::conformance!(|| Modelled::new(Model::volatile()));
}
