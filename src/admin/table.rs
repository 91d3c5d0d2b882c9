//! Rows as a person reads them: columns of spaces.

/// Lines of cells, each column as wide as its widest cell. The last cell of a line
/// is as long as it is.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        line.join("  ").trim_end().to_owned() + "\n"
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_columns_under_each_other() {
        let rows = [["a", "bb", "c"], ["aaa", "b", ""]].map(|row| row.map(ToOwned::to_owned));
        assert_eq!(aligned(&rows), "a    bb  c\naaa  b\n");
        assert_eq!(aligned::<2>(&[]), "");
    }
}
