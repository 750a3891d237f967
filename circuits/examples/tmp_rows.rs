use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::params::Params;
use enfold_circuits::rows::Part;
use enfold_witness::profile::{BatchId, ProfileId, Profile, BatchShape};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    for id in ProfileId::ALL {
        if args.len() > 1 && id.name() != args[1] { continue; }
        let params = Params::of(id);
        let p = id.profile();
        for batch in BatchId::ALL {
            let mut shape = p.shape(batch);
            if args.len() > 2 { if batch.name() != args[2] { continue; }
               shape = BatchShape { lanes: args[3].parse().unwrap(), legs: args[4].parse().unwrap(), singles: args[5].parse().unwrap() }; }
            let mut q = *p;
            let mut shapes = q.shapes.clone();
            shapes = enfold_state::kind::PerBatch::from_fn(|b| if b == batch { shape } else { *shapes.of(b) });
            q = Profile { shapes, ..q };
            let r = BatchCircuit::count_rows(&q, batch, &params.batch);
            println!("{id} {} {:?} rows {} of {}: {:?}", batch.name(), shape, r.total(), 1 << params.batch_degree_bits, Part::ALL.map(|x| (x.label(), r.of(x))));
        }
    }
}
