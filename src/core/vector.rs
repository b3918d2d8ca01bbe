//! Loops compiled for the vectors of several instruction sets and chosen at run time.
//!
//! A loop has the same operations in the same order for all of them, none fused, so the bits of a
//! result depend on neither machine nor choice.

use fearless_simd::{Level, dispatch};

/// Calls a function compiled for the widest vectors of this machine. Everything that it calls has
/// to be inlined.
#[inline]
pub fn widest<R>(function: impl FnOnce() -> R) -> R {
    dispatch!(Level::new(), _ => function())
}
