//! Two sorts of charts: lines over a logarithmic axis, and stacked bars.

use plotters::coord::ranged1d::SegmentValue;
use plotters::prelude::*;

use crate::error::BenchError;
use crate::fit::Spread;

/// Pixels of a plot.
const SIZE: (u32, u32) = (800, 470);
/// Pixels of a letter of 14 pixels, at most: the library cannot measure what a reader's font will be.
const LETTER: u32 = 8;
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

/// Lines over a logarithmic axis, whose ticks are powers of two.
#[derive(Clone, Debug)]
pub struct LineChart {
    /// Title.
    pub title: String,
    /// What x is.
    pub x: String,
    /// What y is, with its unit.
    pub y: String,
    /// Whether y is logarithmic too, so that what grows with x is a straight line.
    pub log_y: bool,
    /// What was measured, and how: lines below the chart.
    pub notes: Vec<String>,
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
    /// What was measured, and how: lines below the chart.
    pub notes: Vec<String>,
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

/// What stands for a part of the data in the legend.
#[derive(Clone, Copy, Debug)]
enum Mark {
    Line,
    Dashes,
    Area,
}

/// A line of the legend.
type Entry = (String, RGBColor, Mark);
type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws into a new SVG: a chart, the legend to its right, where it covers nothing, and notes below.
fn svg(
    legend: &[Entry],
    notes: &[String],
    draw: impl FnOnce(&Area<'_>) -> Result<(), BenchError>,
) -> Result<String, BenchError> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(draw_error)?;
        let foot_height = 18 * notes.len() as u32 + 8;
        let (above, foot) = root.split_vertically(SIZE.1 - foot_height);
        let letters = legend.iter().map(|(label, ..)| label.chars().count() as u32).max().unwrap_or(0);
        let (chart, side) = above.split_horizontally(SIZE.0 - (LETTER * letters + 56).min(SIZE.0 / 2));
        draw(&chart)?;
        draw_legend(&side, legend)?;
        for (at, note) in (0..).zip(notes) {
            let small = (FONT, 12).into_font().color(&BLACK);
            foot.draw(&Text::new(note.as_str(), (14, 18 * at), small)).map_err(draw_error)?;
        }
        root.present().map_err(draw_error)?;
    }
    // Behind the opening tag.
    let body = text.find("<svg").and_then(|start| Some(start + text[start..].find('>')? + 1));
    if let Some(body) = body {
        text.insert_str(body, &format!("\n{DARK}"));
    }
    Ok(text)
}

fn draw_legend(side: &Area<'_>, legend: &[Entry]) -> Result<(), BenchError> {
    for (at, (text, colour, mark)) in (0..).zip(legend) {
        let y = 56 + 24 * at;
        let stroke = |from: i32, to: i32| PathElement::new(vec![(from, y), (to, y)], colour.stroke_width(2));
        match mark {
            Mark::Line => side.draw(&stroke(6, 28)),
            Mark::Dashes => side.draw(&stroke(6, 14)).and_then(|()| side.draw(&stroke(20, 28))),
            Mark::Area => side.draw(&Rectangle::new([(10, y - 6), (24, y + 6)], colour.filled())),
        }
        .map_err(draw_error)?;
        side.draw(&Text::new(text.as_str(), (36, y - 7), label())).map_err(draw_error)?;
    }
    Ok(())
}

/// A power of two where x is the logarithm of one, and nothing between.
fn power(x: &f64) -> String {
    let whole = x.round();
    if (x - whole).abs() > 1e-6 { String::new() } else { number(&whole.exp2()) }
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
        let y_of = |y: f64| if self.log_y { y.log2() } else { y };
        let (mut first, mut last) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut bottom, mut top) = (f64::INFINITY, f64::NEG_INFINITY);
        for (x, spread) in points() {
            (first, last) = (first.min(x.log2()), last.max(x.log2()));
            (bottom, top) = (bottom.min(y_of(spread.min)), top.max(y_of(spread.max)));
        }
        if first > last {
            (first, last, bottom, top) = (0.0, 1.0, 0.0, 1.0);
        }
        let x = first.floor() - 0.25..last.ceil().max(first.floor() + 1.0) + 0.25;
        let y = match self.log_y {
            true => bottom.floor() - 0.25..top.ceil().max(bottom.floor() + 1.0) + 0.25,
            false => 0.0..1.15 * top,
        };
        let entry = |line: &Line| {
            let mark = if line.style == Style::Computed { Mark::Dashes } else { Mark::Line };
            (line.label.clone(), colour(line.colour), mark)
        };
        let legend: Vec<Entry> = self.lines.iter().map(entry).collect();
        let number = if self.log_y { power } else { number };
        svg(&legend, &self.notes, |area| {
            let mut chart = ChartBuilder::on(area)
                .caption(&self.title, (FONT, 19).into_font().color(&BLACK))
                .margin(14)
                .x_label_area_size(46)
                .y_label_area_size(68)
                .build_cartesian_2d(x, y)
                .map_err(draw_error)?;
            chart
                .configure_mesh()
                .x_desc(format!("{}, logarithmic", self.x))
                .y_desc(if self.log_y { format!("{}, logarithmic", self.y) } else { self.y.clone() })
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
                let middle = line.points.iter().map(|(x, spread)| (x.log2(), y_of(spread.median)));
                match line.style {
                    Style::Measured => {
                        let stroke = colour.stroke_width(2);
                        let bars = line.points.iter().filter(|(_, spread)| spread.max > spread.min);
                        chart
                            .draw_series(bars.map(|(x, spread)| {
                                let x = x.log2();
                                let [min, median, max] = [spread.min, spread.median, spread.max].map(y_of);
                                ErrorBar::new_vertical(x, min, median, max, colour.filled(), 10)
                            }))
                            .map_err(draw_error)?;
                        let marks = middle.clone().map(|point| Circle::new(point, 4, colour.filled()));
                        chart.draw_series(marks).map_err(draw_error)?;
                        chart.draw_series(LineSeries::new(middle, stroke)).map_err(draw_error)?;
                    }
                    Style::Computed => {
                        let dashes = DashedLineSeries::new(middle, 6, 5, colour.stroke_width(2));
                        chart.draw_series(dashes).map_err(draw_error)?;
                    }
                }
            }
            Ok(())
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
        let entry = |(part, name): (usize, &&str)| ((*name).to_owned(), colour(part), Mark::Area);
        let legend: Vec<Entry> = self.parts.iter().enumerate().map(entry).collect();
        svg(&legend, &self.notes, |area| {
            let mut chart = ChartBuilder::on(area)
                .caption(&self.title, (FONT, 19).into_font().color(&BLACK))
                .margin(14)
                .x_label_area_size(34)
                .y_label_area_size(68)
                .build_cartesian_2d((0..count - 1).into_segmented(), 0.0..1.1 * top.max(1e-9))
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
            for part in 0..self.parts.len() {
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
                chart.draw_series(boxes).map_err(draw_error)?;
            }
            Ok(())
        })
    }
}
