/** What one measurement found; `npm run bench` prints it and writes it into `docs/benchmarks.md`. */
export interface BenchResult {
  readonly name: string
  /** Units stand in the key: `issuedPerSecond`, `peakRssMiB`. */
  readonly figures: Readonly<Record<string, number | string>>
  /** The measure that gates the work, where there is one. */
  readonly gate?: { readonly want: string; readonly met: boolean }
}
