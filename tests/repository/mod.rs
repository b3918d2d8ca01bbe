//! The repository itself: layout, documents, kept results.

mod circles;
mod dependencies;
mod examples;
mod kept_claims;
mod readme;
mod readme_tables;
mod tidy;
