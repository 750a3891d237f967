use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use enfold_state::kind::{FamilyId, PerFamily};
use enfold_state::profile::BatchId;

use super::*;
use crate::events::ignore;
use crate::graph::Arities;

/// "Proves" by writing down what a proof was made of.
#[derive(Default)]
struct Scribe {
    running: AtomicUsize,
    most: AtomicUsize,
    begun: AtomicUsize,
    fail: Option<Job>,
    panic: Option<Job>,
}

#[derive(Debug, PartialEq)]
enum Failure {
    Asked(Job),
    Panicked(Job, String),
    Stopped(usize),
}

impl Runner for Scribe {
    type Proof = String;
    type Error = Failure;

    fn run(&self, job: Job, children: Vec<(Job, String)>) -> Result<String, Failure> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(2));
        self.running.fetch_sub(1, Ordering::SeqCst);
        if self.fail == Some(job) {
            return Err(Failure::Asked(job));
        }
        assert!(self.panic != Some(job), "asked to panic");
        let list: Vec<_> = children.into_iter().map(|(_, proof)| proof).collect();
        Ok(match job {
            Job::Batch { number, .. } => number.to_string(),
            _ => format!("{}({})", &job.stage().name()[..1], list.join(" ")),
        })
    }

    fn panicked(&self, job: Job, message: String) -> Failure {
        Failure::Panicked(job, message)
    }

    fn stopped(&self, left: usize) -> Failure {
        Failure::Stopped(left)
    }
}

fn graph(batches: usize) -> Graph {
    Graph::new(
        &vec![BatchId::DebitWide; batches],
        Arities { lift: PerFamily::new([3, 4]), fold: 3, block: 2 },
    )
}

/// Runs all jobs, without a pool: then each worker runs its jobs itself.
fn run_all(
    graph: &Graph,
    scribe: &Scribe,
    in_flight: usize,
    observer: Observer<'_>,
) -> Result<Outcome<String>, Failure> {
    let limits = Limits { in_flight, pool: None, stop: None };
    run(graph, scribe, vec![None; graph.nodes.len()], limits, observer)
}

fn prove(scribe: &Scribe, batches: usize, in_flight: usize) -> Result<String, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let limits = Limits { in_flight, pool: Some(&pool), stop: None };
    let graph = graph(batches);
    run(&graph, scribe, vec![None; graph.nodes.len()], limits, &ignore).map(|outcome| outcome.0)
}

#[test]
fn proofs_keep_their_order() {
    for in_flight in [1, 2, 7] {
        assert_eq!(prove(&Scribe::default(), 1, in_flight).unwrap(), "b(l(0))");
        assert_eq!(
            prove(&Scribe::default(), 11, in_flight).unwrap(),
            "b(f(l(0 1 2) l(3 4 5) l(6 7 8)) l(9 10))"
        );
    }
}

#[test]
fn no_more_in_flight_than_allowed() {
    let scribe = Scribe::default();
    run_all(&graph(30), &scribe, 3, &ignore).unwrap();
    assert!((2..=3).contains(&scribe.most.into_inner()));
    assert_eq!(scribe.begun.into_inner(), graph(30).nodes.len());
}

#[test]
fn events_come_in_pairs_and_children_first() {
    let log = Mutex::new(Vec::new());
    let graph = graph(10);
    let (_, times) =
        run_all(&graph, &Scribe::default(), 2, &|event| log.lock().unwrap().push(event.clone())).unwrap();
    let log = log.into_inner().unwrap();
    assert_eq!(log.len(), 2 * graph.nodes.len());
    let finished =
        |job| log.iter().position(|e| matches!(e, Event::Finished { job: j, .. } if *j == job)).unwrap();
    for node in &graph.nodes {
        let started = log.iter().position(|event| *event == Event::Started { job: node.job }).unwrap();
        assert!(started < finished(node.job));
        assert!(node.children.iter().all(|&child| finished(graph.nodes[child].job) < started));
    }
    assert!(times.iter().all(|(_, elapsed)| *elapsed >= Duration::from_millis(2)));
}

#[test]
fn an_error_ends_the_run() {
    let job = Job::Batch { number: 1, batch: BatchId::DebitWide };
    let scribe = Scribe { fail: Some(job), ..Scribe::default() };
    assert_eq!(prove(&scribe, 40, 2), Err(Failure::Asked(job)));
    assert!(scribe.begun.into_inner() <= 4);
    for job in [Job::Lift { number: 2, family: FamilyId::Large }, Job::Fold { number: 0 }, Job::Block] {
        let scribe = Scribe { fail: Some(job), ..Scribe::default() };
        assert_eq!(prove(&scribe, 9, 2), Err(Failure::Asked(job)));
    }
}

#[test]
fn a_panic_is_an_error() {
    let job = Job::Lift { number: 0, family: FamilyId::Large };
    for pool in [true, false] {
        let scribe = Scribe { panic: Some(job), ..Scribe::default() };
        let failure = match pool {
            true => prove(&scribe, 4, 2).unwrap_err(),
            false => run_all(&graph(4), &scribe, 2, &ignore).unwrap_err(),
        };
        assert_eq!(failure, Failure::Panicked(job, "asked to panic".to_owned()));
    }
}

#[test]
fn a_panicking_observer_is_an_error() {
    let result = run_all(&graph(4), &Scribe::default(), 2, &|event| {
        assert!(!matches!(event, Event::Started { job: Job::Block }), "observer");
    });
    assert_eq!(result.unwrap_err(), Failure::Panicked(Job::Block, "observer".to_owned()));
}

/// The nodes of these jobs have proofs that say so.
fn with_proofs(graph: &Graph, there: &[&str]) -> Vec<Option<String>> {
    let found = |job: Job| there.iter().find(|name| job.to_string().starts_with(**name));
    graph.nodes.iter().map(|node| found(node.job).map(|name| format!("<{name}>"))).collect()
}

#[test]
fn proofs_that_are_there_are_not_made_again() {
    let graph = graph(11);
    for (there, expected, begun) in [
        (
            &["lift 0", "batch 3", "batch 10"][..],
            "b(f(<lift 0> l(<batch 3> 4 5) l(6 7 8)) l(9 <batch 10>))",
            11,
        ),
        (&["fold 0", "lift 3"], "b(<fold 0> <lift 3>)", 1),
        (&["fold 0", "batch 9"], "b(<fold 0> l(<batch 9> 10))", 3),
        (&["lift 0", "lift 1", "lift 2"], "b(f(<lift 0> <lift 1> <lift 2>) l(9 10))", 5),
        (&["block"], "<block>", 0),
    ] {
        let scribe = Scribe::default();
        let limits = Limits { in_flight: 3, pool: None, stop: None };
        let (proof, times) = run(&graph, &scribe, with_proofs(&graph, there), limits, &ignore).unwrap();
        assert_eq!(proof, expected);
        assert_eq!((scribe.begun.into_inner(), times.len()), (begun, begun));
    }
}

#[test]
fn a_stop_lets_running_jobs_finish_and_begins_no_other() {
    let graph = graph(20);
    let (stop, finished) = (Stop::new(), AtomicUsize::new(0));
    let observe = |event: &Event| {
        if matches!(event, Event::Finished { .. }) && finished.fetch_add(1, Ordering::SeqCst) == 4 {
            assert!(!stop.request());
        }
    };
    let scribe = Scribe::default();
    let limits = Limits { in_flight: 2, pool: None, stop: Some(&stop) };
    let result = run(&graph, &scribe, vec![None; graph.nodes.len()], limits, &observe);
    let (begun, finished) = (scribe.begun.into_inner(), finished.into_inner());
    assert_eq!(begun, finished, "what was begun was finished");
    assert!((5..=6).contains(&finished), "{finished}");
    // Of two jobs that run, one may see the stop while the other is still running.
    let left = graph.nodes.len() - finished;
    assert!(matches!(result, Err(Failure::Stopped(got)) if (left..=left + 1).contains(&got)));
}
