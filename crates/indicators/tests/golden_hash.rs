//! The fingerprint of every indicator's values on the made series. The same function gives it in a browser, where it must
//! be the same.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use indicators::fingerprint;

#[test]
fn every_value_keeps_its_bits() {
    insta::assert_snapshot!(fingerprint::of_all().unwrap());
}
