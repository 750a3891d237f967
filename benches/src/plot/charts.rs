//! Two sorts of charts: lines over a logarithmic axis, and stacked bars.

use plotters::coord::ranged1d::SegmentValue;
use plotters::prelude::*;

use crate::error::BenchError;
use crate::fit::Spread;

/// Pixels of a plot.
const SIZE: (u32, u32) = (760, 440);
const FONT: &str = "sans-serif";

/// Colours that stand out on white and on black (Okabe and Ito, "Color Universal Design", 2008; the blue is lighter).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0x1f, 0x86, 0xd6),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
];

const GRID: RGBColor = RGBColor(0xd8, 0xd8, 0xd8);

/// In a dark scheme, ground, text, axes and grid change; the colours of the data do not.
const DARK: &str = "<style>@media (prefers-color-scheme: dark) {\
[fill=\"#FFFFFF\"] { fill: #0d1117 } text, [fill=\"#000000\"] { fill: #d0d7de } \
[stroke=\"#000000\"] { stroke: #d0d7de } [stroke=\"#D8D8D8\"] { stroke: #30363d } \
[stroke=\"#FFFFFF\"] { stroke: #0d1117 } }</style>\n";

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A line through marked points, with bars from the least to the greatest value.
    Measured,
    /// A dashed line, for what is computed.
    Computed,
}

/// A line of a chart.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name in the legend.
    pub label: String,
    /// Which of the colours.
    pub colour: usize,
    /// How it is drawn.
    pub style: Style,
    /// The points, by growing x. x is above 0.
    pub points: Vec<(f64, Spread)>,
}

/// Lines over an axis whose ticks are powers of two.
#[derive(Clone, Debug)]
pub struct LineChart {
    /// Title.
    pub title: String,
    /// What x is.
    pub x: String,
    /// What y is, with its unit.
    pub y: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// Bars of stacked parts.
#[derive(Clone, Debug)]
pub struct Bars {
    /// Title.
    pub title: String,
    /// What y is, with its unit.
    pub y: String,
    /// Names of the parts, from the bottom.
    pub parts: Vec<&'static str>,
    /// The bars: name, and a value for each part.
    pub bars: Vec<(String, Vec<f64>)>,
}

fn draw_error<E: std::error::Error + Send + Sync + 'static>(error: E) -> BenchError {
    BenchError::Draw(Box::new(error))
}

fn colour(number: usize) -> RGBColor {
    COLOURS[number % COLOURS.len()]
}

/// The text style of axes.
fn label() -> TextStyle<'static> {
    (FONT, 14).into_font().color(&BLACK)
}

/// Draws into a new SVG.
fn svg(
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) -> Result<(), BenchError>,
) -> Result<String, BenchError> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(draw_error)?;
        draw(&root)?;
        root.present().map_err(draw_error)?;
    }
    // Behind the opening tag.
    let body = text.find("<svg").and_then(|start| Some(start + text[start..].find('>')? + 1));
    if let Some(body) = body {
        text.insert_str(body, &format!("\n{DARK}"));
    }
    Ok(text)
}

/// A power of two where x is the logarithm of one, and nothing between.
fn power(x: &f64) -> String {
    let whole = x.round();
    if (x - whole).abs() > 1e-6 || whole < 0.0 { String::new() } else { format!("{}", whole.exp2()) }
}

/// A number with as many digits as it needs.
fn number(y: &f64) -> String {
    match y.abs() {
        0.0 => "0".to_owned(),
        small if small < 0.1 => format!("{y:.3}"),
        small if small < 10.0 => format!("{:.2}", y).trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ => format!("{y:.0}"),
    }
}

impl LineChart {
    /// Draws the chart.
    ///
    /// # Errors
    /// If the library fails.
    pub fn draw(&self) -> Result<String, BenchError> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let (mut first, mut last, mut top) = (f64::INFINITY, f64::NEG_INFINITY, 0.0_f64);
        for (x, spread) in points() {
            (first, last, top) = (first.min(x.log2()), last.max(x.log2()), top.max(spread.max));
        }
        if first > last {
            (first, last, top) = (0.0, 1.0, 1.0);
        }
        let (x, y) = (first.floor() - 0.25..last.ceil().max(first.floor() + 1.0) + 0.25, 0.0..1.15 * top);
        // Where lines fall, their beginnings are at the top.
        let falls = |line: &Line| match (line.points.first(), line.points.last()) {
            (Some((_, first)), Some((_, last))) => first.median > last.median,
            _ => false,
        };
        let legend = match self.lines.iter().any(falls) {
            true => SeriesLabelPosition::LowerLeft,
            false => SeriesLabelPosition::UpperLeft,
        };
        svg(|root| {
            let mut chart = ChartBuilder::on(root)
                .caption(&self.title, (FONT, 19).into_font().color(&BLACK))
                .margin(14)
                .x_label_area_size(46)
                .y_label_area_size(68)
                .build_cartesian_2d(x, y)
                .map_err(draw_error)?;
            chart
                .configure_mesh()
                .x_desc(&self.x)
                .y_desc(&self.y)
                .axis_desc_style(label())
                .label_style(label())
                .light_line_style(TRANSPARENT)
                .bold_line_style(GRID)
                .axis_style(BLACK)
                .disable_x_mesh()
                // Ticks on all whole logarithms and some between, which get no label.
                .x_labels(20)
                .set_tick_mark_size(LabelAreaPosition::Bottom, 0)
                .y_labels(7)
                .x_label_formatter(&power)
                .y_label_formatter(&number)
                .draw()
                .map_err(draw_error)?;
            for line in &self.lines {
                let colour = colour(line.colour);
                let middle = line.points.iter().map(|(x, spread)| (x.log2(), spread.median));
                let drawn = match line.style {
                    Style::Measured => {
                        let stroke = colour.stroke_width(2);
                        let bars = line.points.iter().filter(|(_, spread)| spread.max > spread.min);
                        chart
                            .draw_series(bars.map(|(x, spread)| {
                                let (x, Spread { min, median, max }) = (x.log2(), *spread);
                                ErrorBar::new_vertical(x, min, median, max, colour.filled(), 10)
                            }))
                            .map_err(draw_error)?;
                        let marks = middle.clone().map(|point| Circle::new(point, 4, colour.filled()));
                        chart.draw_series(marks).map_err(draw_error)?;
                        chart.draw_series(LineSeries::new(middle, stroke)).map_err(draw_error)?
                    }
                    Style::Computed => chart
                        .draw_series(DashedLineSeries::new(middle, 6, 5, colour.stroke_width(2)))
                        .map_err(draw_error)?,
                };
                let dashed = line.style == Style::Computed;
                drawn.label(&line.label).legend(move |(x, y)| {
                    let end = if dashed { x + 10 } else { x + 22 };
                    PathElement::new(vec![(x, y), (end, y)], colour.stroke_width(2))
                });
            }
            chart
                .configure_series_labels()
                .position(legend)
                .label_font(label())
                .background_style(WHITE)
                .border_style(GRID)
                .draw()
                .map_err(draw_error)
        })
    }
}

impl Bars {
    /// Draws the bars.
    ///
    /// # Errors
    /// If the library fails.
    pub fn draw(&self) -> Result<String, BenchError> {
        let top = self.bars.iter().map(|(_, parts)| parts.iter().sum::<f64>()).fold(0.0, f64::max);
        let count = u32::try_from(self.bars.len().max(1)).unwrap_or(u32::MAX);
        svg(|root| {
            let mut chart = ChartBuilder::on(root)
                .caption(&self.title, (FONT, 19).into_font().color(&BLACK))
                .margin(14)
                .x_label_area_size(34)
                .y_label_area_size(68)
                .build_cartesian_2d((0..count - 1).into_segmented(), 0.0..1.3 * top.max(1e-9))
                .map_err(draw_error)?;
            let name = |segment: &SegmentValue<u32>| match segment {
                SegmentValue::CenterOf(bar) => {
                    self.bars.get(*bar as usize).map_or_else(String::new, |(name, _)| name.clone())
                }
                _ => String::new(),
            };
            chart
                .configure_mesh()
                .disable_x_mesh()
                .y_desc(&self.y)
                .axis_desc_style(label())
                .label_style(label())
                .light_line_style(TRANSPARENT)
                .bold_line_style(GRID)
                .axis_style(BLACK)
                .x_labels(self.bars.len())
                .y_labels(7)
                .x_label_formatter(&name)
                .y_label_formatter(&number)
                .draw()
                .map_err(draw_error)?;
            for (part, name) in self.parts.iter().enumerate() {
                let colour = colour(part);
                let boxes = (0..count).zip(&self.bars).map(|(bar, (_, parts))| {
                    let below: f64 = parts[..part].iter().sum();
                    let corners = [
                        (SegmentValue::Exact(bar), below + parts[part]),
                        (SegmentValue::Exact(bar + 1), below),
                    ];
                    let mut area = Rectangle::new(corners, colour.filled());
                    area.set_margin(0, 0, 18, 18);
                    area
                });
                chart
                    .draw_series(boxes)
                    .map_err(draw_error)?
                    .label(*name)
                    .legend(move |(x, y)| Rectangle::new([(x, y - 6), (x + 14, y + 6)], colour.filled()));
            }
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .label_font(label())
                .background_style(WHITE)
                .border_style(GRID)
                .draw()
                .map_err(draw_error)
        })
    }
}
