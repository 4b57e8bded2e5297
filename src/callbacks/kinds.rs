//! The vocabulary of callbacks.

use crate::model::vocabulary;

vocabulary!(
    /// The shape of a callback's body.
    Dialect {
        /// The seed's: strings only, all six events.
        V1_0 = "v1.0",
        /// The same cloud's later form: pushes, and each finished file.
        V1_1 = "v1.1",
    }
);
