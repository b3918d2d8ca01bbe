//! Products of matrices and sums of squares, compiled for the [`widest`] vectors.

#![expect(clippy::inline_always, reason = "what a loop calls is compiled again for its vectors")]

use crate::core::vector::widest;
use std::array::from_fn;

/// Rows and columns of a result that a product keeps in registers.
const ROWS: usize = 4;
const COLUMNS: usize = 16;

/// The left matrix of a product, in a slice whose rows begin at a distance.
#[derive(Clone, Copy)]
pub(super) enum Left<'a> {
    /// The matrix itself.
    Rows(&'a [f32], usize),
    /// Its transpose.
    Columns(&'a [f32], usize),
}

/// Adds the product of two matrices to `sums`. `right` and `sums` lie row by row, with `width`
/// columns. Each cell adds its terms one after the other, by row of `right`.
pub(super) fn add_product(left: Left<'_>, right: &[f32], width: usize, sums: &mut [f32]) {
    widest(
        #[inline(always)]
        || product(left, right, width, sums),
    );
}

#[inline(always)]
fn product(left: Left<'_>, right: &[f32], width: usize, sums: &mut [f32]) {
    let mut row = 0;
    let mut blocks = sums.chunks_exact_mut(ROWS * width);
    for sums in &mut blocks {
        rows::<ROWS>(left, row, right, width, sums);
        row += ROWS;
    }
    for sums in blocks.into_remainder().chunks_exact_mut(width) {
        rows::<1>(left, row, right, width, sums);
        row += 1;
    }
}

/// `R` rows of a product, from `row` on.
#[inline(always)]
fn rows<const R: usize>(left: Left<'_>, row: usize, right: &[f32], width: usize, sums: &mut [f32]) {
    let terms = right.len() / width;
    match left {
        Left::Rows(values, length) => {
            let rows: [_; R] = from_fn(|r| &values[(row + r) * length..][..terms]);
            let cells = |k: usize| -> [f32; R] { from_fn(|r| rows[r][k]) };
            columns(cells, terms, right, width, sums);
        }
        Left::Columns(values, length) => {
            let cells = |k: usize| -> [f32; R] {
                let cells = &values[k * length + row..][..R];
                from_fn(|r| cells[r])
            };
            columns(cells, terms, right, width, sums);
        }
    }
}

/// `R` rows of a product, whose left cells by term are `left`.
#[inline(always)]
fn columns<const R: usize>(
    left: impl Fn(usize) -> [f32; R],
    terms: usize,
    right: &[f32],
    width: usize,
    sums: &mut [f32],
) {
    let mut column = 0;
    // More columns where there are fewer rows, so that additions need not wait for one another.
    while R == 1 && column + 4 * COLUMNS <= width {
        tile::<R, { 4 * COLUMNS }>(&left, terms, right, (width, column), sums);
        column += 4 * COLUMNS;
    }
    while column + COLUMNS <= width {
        tile::<R, COLUMNS>(&left, terms, right, (width, column), sums);
        column += COLUMNS;
    }
    while column + 8 <= width {
        tile::<R, 8>(&left, terms, right, (width, column), sums);
        column += 8;
    }
    while column < width {
        tile::<R, 1>(&left, terms, right, (width, column), sums);
        column += 1;
    }
}

/// `R` rows and `C` columns of a product.
#[inline(always)]
fn tile<const R: usize, const C: usize>(
    left: &impl Fn(usize) -> [f32; R],
    terms: usize,
    right: &[f32],
    (width, column): (usize, usize),
    sums: &mut [f32],
) {
    let mut tile = [[0.0f32; C]; R];
    for (cells, sums) in tile.iter_mut().zip(sums.chunks_exact(width)) {
        cells.copy_from_slice(&sums[column..column + C]);
    }
    for (k, right) in (0..terms).zip(right.chunks_exact(width)) {
        let right = &right[column..column + C];
        for (cells, x) in tile.iter_mut().zip(&left(k)) {
            cells.iter_mut().zip(right).for_each(|(sum, y)| *sum += x * y);
        }
    }
    for (cells, sums) in tile.iter().zip(sums.chunks_exact_mut(width)) {
        sums[column..column + C].copy_from_slice(cells);
    }
}

/// The sum of squares, in sixteen sums that are added at the end.
pub(super) fn squares(values: &[f32]) -> f64 {
    widest(
        #[inline(always)]
        || {
            let mut sums = [0.0f64; 16];
            let chunks = values.chunks_exact(16);
            let square = |x: &f32| f64::from(*x) * f64::from(*x);
            let rest: f64 = chunks.remainder().iter().map(square).sum();
            for chunk in chunks {
                sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += square(x));
            }
            sums.iter().sum::<f64>() + rest
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};
    use rand::RngExt;

    /// Whole blocks, parts of blocks, one row; the loop chosen for this machine against the one of
    /// the plain instruction set, and against sums one by one.
    #[test]
    fn every_instruction_set_gives_the_bits_of_sums_one_by_one() {
        let mut rng = Rng::new(8, 0).stream(Label::Parameters);
        let mut some = |count: usize| -> Vec<f32> {
            (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
        };
        for (rows, terms, width) in [(1, 64, 64), (9, 27, 90), (5, 3, 9), (4, 70, 1), (8, 1, 32)] {
            let (left, right, start) =
                (some(rows * terms), some(terms * width), some(rows * width));
            for transposed in [false, true] {
                let left_matrix =
                    if transposed { Left::Columns(&left, rows) } else { Left::Rows(&left, terms) };
                let at = |row: usize, term: usize| {
                    left[if transposed { term * rows + row } else { row * terms + term }]
                };
                let mut expected = start.clone();
                for (cell, sum) in expected.iter_mut().enumerate() {
                    let (row, column) = (cell / width, cell % width);
                    (0..terms).for_each(|k| *sum += at(row, k) * right[k * width + column]);
                }
                let (mut chosen, mut plain) = (start.clone(), start.clone());
                add_product(left_matrix, &right, width, &mut chosen);
                product(left_matrix, &right, width, &mut plain);
                let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&chosen), bits(&expected), "{rows} {terms} {width}");
                assert_eq!(bits(&plain), bits(&expected), "{rows} {terms} {width}");
            }
        }
    }
}
