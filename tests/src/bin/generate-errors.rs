//! Writes `docs/errors.md` from the table of codes. The page is the same every time; a test holds it equal to the table.

use deputize_tests::errors_page::{render, root};

fn main() -> std::io::Result<()> {
    std::fs::write(root().join("docs/errors.md"), render())
}
