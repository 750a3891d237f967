//! EcGFp5 (Pornin, <https://eprint.iacr.org/2022/274>): a prime-order group for signatures.
//!
//! The curve is `y^2 = x (x^2 + 2 x + b)`, `b = 263 z`, over GF(p^5) = GF(p)\[z\] / (z^5 - 3). It has 2 n
//! points, n an odd prime. The group is the subgroup of order n: the neutral element and the points
//! whose x is a nonzero square. A point is encoded as `w = y / x`, the neutral element as 0. Two points
//! of the curve share each w; exactly one of them is in the group, because the product of their x is b,
//! which is not a square.
//!
//! The designer's code keeps the same encodings, but works with the other point of each pair: the
//! group element that we call P is there `N - P`, `N = (0, 0)`. The vectors hold for both.

pub mod challenge;
mod fp5;
#[cfg(feature = "node")]
pub(crate) mod msm;
pub mod point;
pub mod scalar;
pub mod walk;

pub use challenge::Challenge;
pub use fp5::{DEGREE, Fp5, Fp5Error};
pub use point::Point;
pub use scalar::{Scalar, ScalarError};
pub use walk::Walk;
