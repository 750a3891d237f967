//! Plots of results, as SVG with text as text, readable on a light and on a dark ground.

mod charts;
mod figures;

pub use charts::{Bars, Line, LineChart, Style};
pub use figures::{Labelled, figures};
