//! Finds functions that equal an earlier one: the compiler makes one of each generic function for each type, and many
//! come out the same.

use std::{collections::HashMap, convert::Infallible};

use anyhow::Context as _;
use wasm_encoder::reencode::{Error, Reencode};
use wasmparser::FunctionBody;

/// Returns for each function the first one that equals it, often itself, and the code of each, in which calls name that
/// one.
///
/// Functions are equal if type and code are, and the functions that they call.
///
/// # Errors
/// The code cannot be read.
pub(super) fn find(
    types: &[u32],
    bodies: &[FunctionBody<'_>],
    n_imported: u32,
) -> anyhow::Result<(Vec<usize>, Vec<Vec<u8>>)> {
    let mut reader = Reader { n_imported, stands_for: (0..bodies.len()).collect() };
    loop {
        let code: Vec<Vec<u8>> =
            bodies.iter().map(|body| reader.read(body).context("read a function")).collect::<anyhow::Result<_>>()?;
        let mut firsts = HashMap::new();
        let of = |(idx, of): (usize, (&u32, &Vec<u8>))| *firsts.entry((*of.0, of.1.clone())).or_insert(idx);
        let stands_for: Vec<usize> = types.iter().zip(&code).enumerate().map(of).collect();
        // Callers of equal functions may have become equal themselves.
        if stands_for == reader.stands_for {
            return Ok((stands_for, code));
        }
        reader.stands_for = stands_for;
    }
}

/// Reads code; its calls go to the first of equal functions.
struct Reader {
    n_imported: u32,
    stands_for: Vec<usize>,
}

impl Reader {
    fn read(&mut self, body: &FunctionBody<'_>) -> Result<Vec<u8>, Error> {
        let mut function = self.new_function_with_parsed_locals(body)?;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            function.instruction(&self.parse_instruction(&mut operators)?);
        }
        Ok(function.into_raw_body())
    }
}

impl Reencode for Reader {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        Ok(match function.checked_sub(self.n_imported) {
            Some(own) => u32::try_from(self.stands_for[own as usize]).unwrap_or(u32::MAX) + self.n_imported,
            None => function,
        })
    }
}
