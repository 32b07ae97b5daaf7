use brood_core::*;
use std::time::*;
struct N(std::sync::mpsc::Sender<()>);
impl Notify for N {
    fn notify(&self) {
        let _ = self.0.send(());
    }
}
fn main() {
    let (s, r) = std::sync::mpsc::channel();
    let e = Environment::new(Box::new(N(s))).unwrap();
    let c = Command::new(std::env::args().nth(1).unwrap_or("true".into())).unwrap().encode();
    let mut v = vec![];
    for _ in 0..2000 {
        let t = Instant::now();
        e.spawn(&c).unwrap();
        v.push(t.elapsed().as_nanos());
        r.recv().unwrap();
        let _ = e.take();
    }
    v.sort();
    println!("p50 {} p99 {}", v[1000], v[1980]);
}
