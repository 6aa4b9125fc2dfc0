//! Cases of schemas.
