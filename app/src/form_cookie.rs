//! Form state and single sign-on tickets of browsers without a signed-in user. A sealed cookie carries them to the next page, so that
//! anonymous requests write nothing to the database.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The cookie's values during one request, as an extension of it.
#[derive(Debug, Clone, Default)]
pub struct FormCookie(Arc<Mutex<Values>>);

#[derive(Debug, Default)]
struct Values {
    by_name: Map<String, Value>,
    is_changed: bool,
}

impl FormCookie {
    /// The values that came with the request.
    #[must_use]
    pub fn new(by_name: Map<String, Value>) -> Self {
        Self(Arc::new(Mutex::new(Values { by_name, is_changed: false })))
    }

    /// All values, if they are others than those that came with the request.
    #[must_use]
    pub fn changed(&self) -> Option<Map<String, Value>> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.is_changed.then(|| values.by_name.clone())
    }

    pub(crate) fn put<T: Serialize>(&self, name: &str, value: &T) -> serde_json::Result<()> {
        let value = serde_json::to_value(value)?;
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.by_name.insert(name.to_owned(), value);
        values.is_changed = true;
        Ok(())
    }

    /// Takes a value; `None` also when it cannot be read.
    pub(crate) fn take<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = values.by_name.remove(name)?;
        values.is_changed = true;
        serde_json::from_value(value).ok()
    }
}
