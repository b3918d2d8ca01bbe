//! Schedulers: parameters, ties, windows, brute force, the published code.

mod alike;
mod external;
mod golden_arena;
mod group_search;
mod learned_dispatcher;
mod optimal_window;
mod optimum;
mod parameters;
mod published;
mod ties;
mod windows;
