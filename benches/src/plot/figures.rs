//! Which figures there are of results, and what they show.

use crate::error::BenchError;
use crate::fit::Spread;
use crate::plot::{Bars, Line, LineChart, Style};
use crate::results::{Place, Results, STAGES, Series, Settings};

/// Results with the name that they have in plots.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// The name; empty where there are no others.
    pub label: &'a str,
    /// The results.
    pub results: &'a Results,
}

impl Labelled<'_> {
    /// What was measured where, for a figure's foot.
    fn notes(&self) -> Vec<String> {
        let Results { machine, commit, settings, .. } = self.results;
        let Settings { profile, workload, accounts, seed, warmups, runs, .. } = settings;
        let cpu = machine.cpu.as_deref().unwrap_or("unknown processor");
        let commit = &commit[..commit.len().min(7)];
        let here = format!("{cpu}, {}, profile {profile}, commit {commit}", named_cores(machine.cores));
        let runs = if *runs == 1 { "1 run".to_owned() } else { format!("medians of {runs} runs") };
        let warmups = if *warmups == 1 { "1 warm-up".to_owned() } else { format!("{warmups} warm-ups") };
        vec![
            self.named(&here),
            format!(
                "{workload} on {accounts} accounts, seed {seed}; {runs} after {warmups}, bars from least to greatest"
            ),
        ]
    }

    fn named(&self, name: &str) -> String {
        if self.label.is_empty() { name.to_owned() } else { format!("{}: {name}", self.label) }
    }
}

fn named_cores(cores: usize) -> String {
    if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") }
}

/// Seconds of a point as some other figure of it.
type Figure = fn(&crate::results::Point) -> Option<Spread>;

/// A measured line, for points that have different x.
fn line(label: String, colour: usize, points: Vec<(f64, Spread)>) -> Option<Line> {
    (!points.is_empty()).then_some(Line { label, colour, style: Style::Measured, points })
}

/// A line of a series by its cores.
fn by_cores(of: &Labelled<'_>, series: Series, colour: usize, figure: Figure) -> Option<Line> {
    let best = of.results.best(series);
    let points = best.iter().filter_map(|point| Some((point.place.cores as f64, figure(point)?)));
    line(of.named(&format!("{} scaling", series.name())), colour, points.collect())
}

/// A computed line from one number of cores to another.
fn computed(label: String, colour: usize, cores: (f64, f64), of: impl Fn(f64) -> f64) -> Line {
    let steps = 24;
    let point = |step: i32| {
        let x = (cores.0.log2() + (cores.1 / cores.0).log2() * f64::from(step) / f64::from(steps)).exp2();
        let y = of(x);
        (x, Spread { median: y, min: y, max: y })
    };
    Line { label, colour, style: Style::Computed, points: (0..=steps).map(point).collect() }
}

fn chart(title: &str, x: &str, y: &str, lines: Vec<Line>) -> Option<LineChart> {
    let (title, x, y) = (title.to_owned(), x.to_owned(), y.to_owned());
    (!lines.is_empty()).then_some(LineChart { title, x, y, log_y: false, notes: Vec::new(), lines })
}

fn scaling(all: &[Labelled<'_>], title: &str, y: &str, figure: Figure) -> Option<LineChart> {
    let lines = all.iter().enumerate().flat_map(|(at, of)| {
        [Series::Strong, Series::Weak]
            .into_iter()
            .enumerate()
            .filter_map(move |(second, series)| by_cores(of, series, 2 * at + second, figure))
    });
    chart(title, "cores", y, lines.collect())
}

fn speed_up(all: &[Labelled<'_>]) -> Option<LineChart> {
    let mut lines = Vec::new();
    let mut most = 1.0_f64;
    for (at, of) in all.iter().enumerate() {
        let best = of.results.best(Series::Strong);
        let Some((first, base)) =
            best.first().and_then(|point| Some((point.place.cores, point.seconds()?.median)))
        else {
            continue;
        };
        // In units of one core, should the first point be of more.
        let unit = base * first as f64;
        let points: Vec<_> = best
            .iter()
            .filter_map(|point| {
                Some((point.place.cores as f64, point.seconds()?.falling(|seconds| unit / seconds)))
            })
            .collect();
        let last = points.last().map_or(1.0, |point| point.0);
        most = most.max(last);
        lines.extend(line(of.named("measured"), 2 * at, points));
        if let Some(law) = of.results.amdahl() {
            let label = of.named(&format!("Amdahl, {:.1} % serial", 100.0 * law.serial_share()));
            lines.push(computed(label, 2 * at + 1, (1.0, last), |cores| unit / law.seconds(cores)));
        }
    }
    if lines.is_empty() {
        return None;
    }
    lines.push(computed("ideal".to_owned(), 5, (1.0, most), |cores| cores));
    let chart = chart("Speed-up of one block", "cores", "times as fast as one core", lines)?;
    Some(LineChart { log_y: true, ..chart })
}

/// Proofs at a time against threads in each, a line for each number of cores.
fn in_flight(of: &Labelled<'_>) -> Option<LineChart> {
    let strong = |cores: usize| {
        let points = of.results.points.iter();
        points.filter(move |point| point.place.series == Series::Strong && point.place.cores == cores)
    };
    let mut cores: Vec<usize> =
        of.results.best(Series::Strong).iter().map(|point| point.place.cores).collect();
    cores.dedup();
    let lines = cores.iter().enumerate().filter_map(|(at, &cores)| {
        let points: Vec<_> = strong(cores)
            .filter_map(|point| Some((point.place.in_flight as f64, point.throughput()?)))
            .collect();
        line(of.named(&named_cores(cores)), at, points)
    });
    let lines = lines.collect();
    chart("Proofs at a time, sharing the cores", "proofs at a time", "transfers / s", lines)
}

fn stages(of: &Labelled<'_>) -> Option<Bars> {
    let bar = |point: &&crate::results::Point| {
        let Place { cores, transfers, .. } = point.place;
        (named_cores(cores), point.stages().map(|seconds| 1e3 * seconds / transfers as f64).to_vec())
    };
    let bars: Vec<_> = of.results.best(Series::Strong).iter().map(bar).collect();
    let (title, y) = (of.named("where the time of a transfer goes"), "ms / transfer".to_owned());
    (!bars.is_empty()).then(|| Bars { title, y, notes: of.notes(), parts: STAGES.to_vec(), bars })
}

fn batch_sizes(all: &[Labelled<'_>]) -> Option<LineChart> {
    let mut lines = Vec::new();
    for of in all {
        let mut cores: Vec<usize> = of.results.batches.iter().map(|point| point.cores).collect();
        cores.dedup();
        for cores in cores {
            let points = of.results.batches.iter().filter(|point| point.cores == cores);
            let cost = |legs: usize| move |seconds: f64| 1e3 * seconds / legs as f64;
            let points: Vec<_> = points
                .filter_map(|point| {
                    let (spread, cost) = (point.seconds()?, cost(point.legs));
                    let Spread { median, min, max } = spread;
                    Some((point.legs as f64, Spread { median: cost(median), min: cost(min), max: cost(max) }))
                })
                .collect();
            lines.extend(line(of.named(&named_cores(cores)), lines.len(), points));
        }
    }
    chart("Cost of a signed leg by size of the debit batch", "legs of the batch", "ms / leg", lines)
}

/// Latency and throughput by block size: two charts.
fn latency(all: &[Labelled<'_>]) -> [(&'static str, Option<LineChart>); 2] {
    let lines = |name: &str, figure: Figure| -> Vec<Line> {
        let of = |(at, of): (usize, &Labelled<'_>)| {
            let best = of.results.best(Series::Latency);
            let points = best.iter().filter_map(|point| Some((point.place.transfers as f64, figure(point)?)));
            line(of.named(name), at, points.collect())
        };
        all.iter().enumerate().filter_map(of).collect()
    };
    let x = "transfers of the block";
    let time = lines("time to proof", |point| point.seconds());
    let rate = lines("throughput", |point| point.throughput());
    [
        ("latency", chart("From a block to its proof", x, "seconds", time)),
        ("latency-throughput", chart("Throughput by block size", x, "transfers / s", rate)),
    ]
}

/// All figures that the results have points for: file names without an ending, and the SVGs.
///
/// # Errors
/// If one cannot be drawn.
pub fn figures(all: &[Labelled<'_>]) -> Result<Vec<(String, String)>, BenchError> {
    let mut figures = Vec::new();
    let mut draw = |name: String, of: &[Labelled<'_>], chart: Option<LineChart>| -> Result<(), BenchError> {
        if let Some(chart) = chart {
            let notes = of.iter().flat_map(Labelled::notes).collect();
            figures.push((name, LineChart { notes, ..chart }.draw()?));
        }
        Ok(())
    };
    draw(
        "throughput".to_owned(),
        all,
        scaling(all, "Throughput", "transfers / s", |point| point.throughput()),
    )?;
    let per_core = scaling(all, "Throughput of each core", "transfers / s / core", |point| point.per_core());
    draw("per-core".to_owned(), all, per_core)?;
    draw("speed-up".to_owned(), all, speed_up(all))?;
    draw("batch-size".to_owned(), all, batch_sizes(all))?;
    for (name, chart) in latency(all) {
        draw(name.to_owned(), all, chart)?;
    }
    // Figures of one machine each.
    let numbered = |name: &str, at: usize| match all.len() {
        1 => name.to_owned(),
        _ => format!("{name}-{}", at + 1),
    };
    for (at, of) in all.iter().enumerate() {
        draw(numbered("in-flight", at), &[*of], in_flight(of))?;
    }
    for (at, of) in all.iter().enumerate() {
        if let Some(bars) = stages(of) {
            figures.push((numbered("stages", at), bars.draw()?));
        }
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::made_up;

    #[test]
    fn every_figure_is_drawn_with_text_as_text() {
        let results = made_up(1.0, 8.0);
        let all = figures(&[Labelled { label: "", results: &results }]).unwrap();
        let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "throughput",
            "per-core",
            "speed-up",
            "batch-size",
            "latency",
            "latency-throughput",
            "in-flight",
            "stages",
        ];
        assert_eq!(names, expected);
        for (name, svg) in &all {
            assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{name}");
            assert!(svg.contains("<text") && svg.contains("prefers-color-scheme: dark"), "{name}");
            // What the dark scheme changes is there under that name.
            for colour in ["fill=\"#FFFFFF\"", "fill=\"#000000\"", "stroke=\"#000000\"", "stroke=\"#D8D8D8\""]
            {
                assert!(svg.contains(colour), "{colour} in {name}");
            }
        }
        let machine = results.machine.cpu.as_deref().unwrap_or("unknown processor");
        for (name, svg) in &all {
            for note in [machine, "profile test", &results.commit[..7], "medians of 5 runs after 1"] {
                assert!(svg.contains(note), "{note} in {name}");
            }
            assert_eq!(svg.contains("logarithmic"), name != "stages", "{name}");
        }
        let text = |name: &str| &all.iter().find(|figure| figure.0 == name).unwrap().1;
        assert!(text("speed-up").contains("11.1 % serial") && text("speed-up").contains("ideal"));
        assert!(STAGES.iter().all(|stage| text("stages").contains(stage)));
    }

    #[test]
    fn machines_are_drawn_side_by_side() {
        let (one, two) = (made_up(1.0, 8.0), made_up(0.5, 3.0));
        let both = [Labelled { label: "old", results: &one }, Labelled { label: "new", results: &two }];
        let all = figures(&both).unwrap();
        let throughput = &all[0].1;
        assert!(throughput.contains("old: strong scaling") && throughput.contains("new: weak scaling"));
        let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&"stages-1") && names.contains(&"stages-2"));
        let mut none = one;
        none.points.clear();
        none.batches.clear();
        assert!(figures(&[Labelled { label: "", results: &none }]).unwrap().is_empty());
    }
}
