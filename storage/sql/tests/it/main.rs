//! The store on both engines: the contract of the traits, and every statement prepared.

mod contract;
mod engines;
mod prepare_all;
