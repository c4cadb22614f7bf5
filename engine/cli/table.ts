/** Columns aligned by their widest cell, two spaces between; the header in capitals. Ends with a newline. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header.map(title => title.toUpperCase()), ...rows]
  const widths = header.map((_title, column) => Math.max(...all.map(row => row[column]?.length ?? 0)))
  return all
    .map(
      row =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
