/** Columns for a terminal: as wide as their widest cell, two spaces between, nothing after the last. */
import { escapeText } from "../../wire/foreign.ts"

/** The first row is the heading. Cells may come from outside. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = rows.map((row) => row.map(escapeText))
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`
    )
    .join("")
}
