//! The repository itself: layout, documents, kept results.

mod circles;
mod dependencies;
mod docs;
mod docs_links;
mod examples;
mod glossary;
mod kept_claims;
mod readme;
mod readme_tables;
mod settings;
mod tidy;
