/// Solves `A x = b` by elimination with partial pivoting, in a fixed order: the same bits on every platform, since nothing but
/// IEEE 754's sums, products and quotients are used, one by one.
///
/// `None` where the matrix is singular. Costs a third of the cube of the rows, less where there are zeros.
pub(super) fn solve(mut rows: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = rows.len();
    for column in 0..size {
        let pivot = pivot(&rows, column)?;
        rows.swap(column, pivot);
        right.swap(column, pivot);
        let (above, below) = rows.split_at_mut(column + 1);
        let top = &above[column];
        for (offset, row) in below.iter_mut().enumerate() {
            let factor = row[column] / top[column];
            if factor == 0.0 {
                continue;
            }
            for (cell, over) in row[column..].iter_mut().zip(&top[column..]) {
                *cell -= factor * over;
            }
            right[column + 1 + offset] -= factor * right[column];
        }
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| rows[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / rows[row][row];
    }
    Some(right)
}

/// The row from the diagonal down whose number in a column is the greatest; the first of equals.
fn pivot(rows: &[Vec<f64>], column: usize) -> Option<usize> {
    let mut best = column;
    for row in column + 1..rows.len() {
        if rows[row][column].abs() > rows[best][column].abs() {
            best = row;
        }
    }
    (rows[best][column] != 0.0).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_that_needs_its_rows_swapped_is_solved() {
        let rows = vec![vec![0.0, 2.0, 1.0], vec![1.0, 0.0, 0.0], vec![4.0, 1.0, 1.0]];
        assert_eq!(solve(rows, vec![7.0, 1.0, 8.0]), Some(vec![1.0, 3.0, 1.0]));
        assert_eq!(solve(vec![vec![1.0, 2.0], vec![2.0, 4.0]], vec![1.0, 2.0]), None);
        assert_eq!(solve(vec![], vec![]), Some(vec![]));
    }
}
