//! An object as it is stored, perhaps of a shape that this version does not know.

use kube::Resource;
use kube::api::ObjectMeta;
use std::sync::Arc;

/// The last good form of an object, and what is wrong with the one that is stored now.
#[derive(Clone, Debug)]
pub(crate) struct Stored<T> {
    /// Served until the stored one parses again; `None` where no form ever did.
    pub(crate) object: Option<Arc<T>>,
    /// Why the stored one does not parse.
    pub(crate) problem: Option<String>,
    metadata: Arc<ObjectMeta>,
}

impl<T: Resource> Stored<T> {
    /// One that parses.
    pub(crate) fn sound(mut object: T) -> Self {
        object.meta_mut().managed_fields = None;
        let metadata = Arc::new(object.meta().clone());
        Self { object: Some(Arc::new(object)), problem: None, metadata }
    }
}

impl<T> Stored<T> {
    /// One that does not.
    pub(crate) fn broken(metadata: ObjectMeta, problem: String) -> Self {
        Self { object: None, problem: Some(problem), metadata: Arc::new(metadata) }
    }

    /// This one, where `former` was stored before: a broken one keeps what was good.
    pub(crate) fn after(self, former: Option<Self>) -> Self {
        match former {
            Some(former) if self.object.is_none() => Self { object: former.object, ..self },
            _ => self,
        }
    }

    /// Whether `other` is the same object with the same spec: the API server counts generations by spec.
    pub(crate) fn is_same_spec(&self, other: &Self) -> bool {
        self.metadata.uid == other.metadata.uid
            && self.metadata.generation == other.metadata.generation
            && self.metadata.generation.is_some()
            && self.problem == other.problem
    }

    /// Metadata of what is stored now, broken or not.
    pub(crate) fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }
}
