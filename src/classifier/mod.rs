//! SneakPeek models: cheap classifiers that peek at a request before it is scheduled.

pub mod knn;
pub mod model;
pub mod posterior;
