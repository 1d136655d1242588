//! Taking turns, and what a turn cost.

use crate::Result;
use crate::clock::now;
use crate::cpu::cpu_seconds;
use crate::server::Server;

/// What leads cost, all together.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// How many.
    pub leads: u64,
    /// Seconds that passed.
    pub wall: f64,
    /// Processor seconds: ours, and the database server's where there is one.
    pub cpu: f64,
}

impl Cost {
    /// Leads per second.
    pub fn rate(self) -> f64 {
        self.leads as f64 / self.wall
    }

    /// Leads per second of one processor.
    pub fn rate_of_cpu(self) -> f64 {
        self.leads as f64 / self.cpu
    }

    /// Microseconds of processor per lead.
    pub fn cpu_micros(self) -> f64 {
        self.cpu * 1e6 / self.leads as f64
    }

    /// Microseconds per lead.
    pub fn wall_micros(self) -> f64 {
        self.wall * 1e6 / self.leads as f64
    }
}

/// Measures work that answers how many leads it took.
pub fn measure(server: Option<&Server>, work: impl FnOnce() -> Result<u64>) -> Result<Cost> {
    let cpu = || cpu_seconds() + server.map_or(0.0, Server::cpu_seconds);
    let (cpu_before, before) = (cpu(), now());
    let leads = work()?;
    let wall = before.elapsed().as_secs_f64();
    Ok(Cost { leads, wall, cpu: cpu() - cpu_before })
}

/// One that takes turns: measures itself each time.
pub type Part<'p, T> = Box<dyn FnMut() -> Result<T> + 'p>;

/// Lets the parts take turns. The first round warms up and is left out; every second one runs the other way round, so that
/// nobody always comes after the same one.
pub fn in_turns<T: Copy, const N: usize>(rounds: usize, mut parts: [Part<'_, T>; N]) -> Result<Vec<[T; N]>> {
    let mut measured = Vec::with_capacity(rounds);
    for round in 0..=rounds {
        let mut turn: [Option<T>; N] = [None; N];
        let mut order: Vec<usize> = (0..N).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for part in order {
            turn[part] = Some(parts[part]()?);
        }
        if round > 0 {
            measured.push(turn.map(|value| value.expect("every part had its turn")));
        }
    }
    Ok(measured)
}

/// The rounds of two parts.
pub fn pairs<T: Copy, const N: usize>(
    rounds: &[[T; N]],
    (subject, other): (usize, usize),
    value: impl Fn(T) -> f64,
) -> Vec<(f64, f64)> {
    rounds.iter().map(|round| (value(round[subject]), value(round[other]))).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn parts_take_turns_in_both_directions_and_the_first_round_is_left_out() {
        let said = RefCell::new(String::new());
        let part = |name: char| -> Part<'_, usize> {
            let said = &said;
            Box::new(move || {
                said.borrow_mut().push(name);
                Ok(said.borrow().len())
            })
        };
        let rounds = in_turns(2, [part('a'), part('b'), part('c')]).unwrap();
        assert_eq!(*said.borrow(), "abccbaabc");
        assert_eq!(rounds, [[6, 5, 4], [7, 8, 9]]);
        assert_eq!(pairs(&rounds, (0, 2), |n| n as f64), [(6.0, 4.0), (7.0, 9.0)]);
    }

    #[test]
    fn a_part_that_fails_ends_the_run() {
        assert!(in_turns::<u8, 1>(2, [Box::new(|| Err("no".into()))]).is_err());
    }
}
